"""Environments as files that a repository can hold and review. Pure but for `applying`."""
