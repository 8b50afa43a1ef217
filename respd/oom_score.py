"""Which process the system ends first when it runs out of memory: oom-score-adj and oom-score-adj-values.

Linux adds a number between -1000 and 1000, which a file of /proc holds, to what it makes of a process. What was there
before is kept, and put back when the directive is switched off. Source: redis.conf, and proc(5).
"""

from typing import Final

from respd.config import Config
from respd.directive_kinds import ConfigError
from respd.log import Log

_PATH: Final = "/proc/self/oom_score_adj"
_MOST: Final = 1000
_SERVER: Final = 0  # which of the values is for it
_CHILD: Final = 2


class OomScore:
    """The score of the server, which follows the configuration, and of its child processes."""

    def __init__(self, config: Config, log: Log) -> None:
        self.config = config
        self.log = log
        self._is_ours = False  # rather than what somebody else has set,
        self._before = 0  # which was this

    def start(self) -> None:
        """Take the score that the configuration asks for; the log tells why that is impossible."""
        self._adjust(_SERVER)

    def follow(self) -> None:
        """Take the score that CONFIG SET asks for; raises ConfigError."""
        if not self._adjust(_SERVER):
            raise ConfigError(b"Failed to set current oom_score_adj. Check server logs.")

    def enter_child(self) -> None:
        """Take the score of a child process, being one."""
        self._adjust(_CHILD)

    def _adjust(self, role: int) -> bool:
        mode = self.config.oom_score_adj
        if mode == b"no" and not self._is_ours:
            return True
        try:
            if not self._is_ours:
                with open(_PATH) as file:
                    self._before = int(file.read())
            score = self._before
            if mode == b"absolute":
                score = self.config.oom_score_adj_values[role]
            elif mode != b"no":
                score += self.config.oom_score_adj_values[role]
            with open(_PATH, "w") as file:
                file.write(f"{max(-_MOST, min(score, _MOST))}")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a number"
            self.log.warning(f"Unable to write oom_score_adj: {reason}")
            return False
        self._is_ours = mode != b"no"
        return True
