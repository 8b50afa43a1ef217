"""Files on disk: empty until snapshots and the append-only log arrive."""
