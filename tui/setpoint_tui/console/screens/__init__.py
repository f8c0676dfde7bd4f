"""The screens of the console, one file and one stylesheet each."""
