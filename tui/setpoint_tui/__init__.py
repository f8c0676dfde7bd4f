"""What operators use: the command line, the demo and, later, the console."""
