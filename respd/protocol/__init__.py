"""The wire protocol, sans-IO: `requests` parses what clients send, `replies` encodes what they get."""
