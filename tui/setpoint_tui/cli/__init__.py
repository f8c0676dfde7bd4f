"""The command line `setpoint`, one module per family of commands."""
