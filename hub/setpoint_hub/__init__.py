"""The hub: keeps settings in PostgreSQL, follows their log, and relays every change to the services that watch."""
