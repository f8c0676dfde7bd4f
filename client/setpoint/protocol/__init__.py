"""The wire contract as pure code: names, values, JSON-RPC frames, messages, close codes. No I/O, no clock."""
