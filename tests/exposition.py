"""A reader of the text format of Prometheus that takes nothing but what the format allows."""

from __future__ import annotations

import re

Labels = frozenset[tuple[str, str]]

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_HELP = re.compile(rf"# HELP ({_NAME}) ((?:[^\\\n]|\\\\|\\n)+)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram|summary|untyped)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)")
_ENDS = ("_bucket", "_sum", "_count")


class Exposition:
    """A page: `types` of the metrics by name, `samples` by name and labels."""

    def __init__(self, text: str) -> None:
        self.types: dict[str, str] = {}
        self.samples: dict[tuple[str, Labels], float] = {}
        self._helped: set[str] = set()
        self._family = ""
        assert text.endswith("\n")
        for line in text.split("\n")[:-1]:
            self._take(line)
        assert set(self.types) == self._helped == {self._family_of(name) for name, _ in self.samples}

    def value(self, name: str, **labels: str) -> float:
        """The value of a sample that there is."""
        return self.samples[name, frozenset(labels.items())]

    def all(self, name: str) -> dict[Labels, float]:
        """The samples of a name, by their labels."""
        return {labels: value for (other, labels), value in self.samples.items() if other == name}

    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self.samples}

    def _take(self, line: str) -> None:
        if line.startswith("# HELP"):
            name = _whole(_HELP, line)[1]
            assert name not in self._helped, line
            self._helped.add(name)
            self._family = name
        elif line.startswith("# TYPE"):
            found = _whole(_TYPE, line)
            assert found[1] == self._family and found[1] not in self.types, line
            self.types[found[1]] = found[2]
        else:
            found = _whole(_SAMPLE, line)
            assert self._family_of(found[1]) == self._family, f"{line} among {self._family}"
            key = found[1], _labels(found[2] or "")
            assert key not in self.samples, line
            self.samples[key] = float(found[3])

    def _family_of(self, name: str) -> str:
        for end in _ENDS:
            family = name.removesuffix(end)
            if family != name and self.types.get(family) in ("histogram", "summary"):
                return family
        return name


def _whole(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    assert found is not None, line
    return found


def _labels(text: str) -> Labels:
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found is not None, text
        value = re.sub(r"\\(.)", lambda sign: "\n" if sign[1] == "n" else sign[1], found[2])
        pairs.append((found[1], value))
        at = found.end()
    assert len(dict(pairs)) == len(pairs), text
    return frozenset(pairs)
