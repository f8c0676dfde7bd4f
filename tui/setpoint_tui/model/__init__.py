"""What the console knows and decides: pure, without a clock, a socket or a screen."""
