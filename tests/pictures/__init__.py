"""Pictures of the console for the documentation, taken of the running console on the demo."""
