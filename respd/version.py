"""The versions that respd claims, each in this one place."""

from typing import Final

VERSION: Final = "0.1.0"
"""respd's own version."""

REDIS_VERSION: Final = "7.4.0"
"""The Redis whose core commands respd has in full: `redis_version` of INFO, HELLO and LOLWUT."""
