"""The console: the Textual app, its screens and their widgets."""
