"""The client inside the programs that services are run by, each for real."""
