"""The console: a view of the log in a terminal."""
