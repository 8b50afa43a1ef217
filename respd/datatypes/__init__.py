"""The data types: bytes and data, with no knowledge of clients, keys, files or clocks."""
