"""The widgets that the console's screens share, one family per module."""
