"""respd: a Redis server written in Python."""

from respd.version import REDIS_VERSION, VERSION

__version__ = VERSION
__all__ = ["REDIS_VERSION", "VERSION", "build"]


def build() -> str:
    """Return which build runs: "compiled" (mypyc) or "interpreted"."""
    from respd.builds import INTERPRETED

    return "interpreted" if INTERPRETED else "compiled"
