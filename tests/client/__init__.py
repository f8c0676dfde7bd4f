"""Tests of the client and of the protocol."""
