"""What the console knows and decides, with no screen, no clock and no I/O."""
