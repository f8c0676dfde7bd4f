"""Measurements: each prints a table, none passes or fails. Run them with `make bench`."""
