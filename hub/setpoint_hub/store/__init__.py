"""What the hub asks of PostgreSQL: the statements, each beside the method that runs it."""
