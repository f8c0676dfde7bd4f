"""Dialogs: everything that asks before something is written."""
