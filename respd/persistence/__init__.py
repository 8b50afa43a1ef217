"""Files on disk: snapshots and the append-only log, their formats, and who writes and loads them."""
