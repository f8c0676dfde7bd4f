"""`setpoint demo`: the whole of it on one machine, with a sample and a fleet of real clients."""
