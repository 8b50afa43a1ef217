"""respd: a Redis server written in Python."""

from respd.version import REDIS_VERSION, VERSION

__version__ = VERSION
__all__ = ["REDIS_VERSION", "VERSION", "build"]


def build() -> str:
    """Return which build runs: "compiled" (mypyc) or "interpreted"."""
    import respd.engine

    return "interpreted" if respd.engine.__file__.endswith(".py") else "compiled"
