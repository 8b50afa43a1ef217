"""The sizes at which small collections change their encoding, as configured."""

from mypy_extensions import i64


class Limits:
    """Thresholds of OBJECT ENCODING; the configuration keeps them current. Sizes in entries or bytes.

    `list_max_size` is list-max-listpack-size: positive, a number of entries; -1 to -5, a size of 4 kB to 64 kB.
    """

    def __init__(self) -> None:
        self.hash_max_entries: i64 = 512
        self.hash_max_value: i64 = 64
        self.list_max_size: i64 = -2
        self.set_max_intset: i64 = 512
        self.set_max_entries: i64 = 128
        self.set_max_value: i64 = 64
        self.zset_max_entries: i64 = 128
        self.zset_max_value: i64 = 64
        self.stream_node_bytes: i64 = 4096
        self.stream_node_entries: i64 = 100
