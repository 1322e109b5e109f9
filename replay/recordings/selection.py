"""Which topics a command takes: by name and by regular expression, as `ros2 bag play` has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fusion.errors import ConfigError

MOST_REMEMBERED: Final = 10_000  # answers kept by topic; no recording of ours has so many, a hostile one may
LONGEST_EXPRESSION: Final = 1000  # characters


class TopicSelection:
    """A topic is taken if a name or the included expression takes it, and the excluded one does not.

    names: each a topic (`frame.north`) or the dotted beginning of some (`frame`, `alert.north.`).
    include_regex, exclude_regex: Python's `re`, found anywhere in the topic; `^` and `$` bind it to the ends.
    With neither names nor an included expression, every topic is taken that is not excluded.
    Raises ConfigError for what is no regular expression.
    """

    def __init__(
        self, names: Sequence[str] = (), include_regex: str | None = None, exclude_regex: str | None = None
    ) -> None:
        self.names = tuple(names)
        self._beginnings = tuple(name.rstrip(".") + "." for name in names)
        self._include = _compiled("--regex", include_regex)
        self._exclude = _compiled("--exclude-regex", exclude_regex)
        self._known: dict[str, bool] = {}

    @property
    def everything(self) -> bool:
        """Whether no topic is left out."""
        return not self.names and self._include is None and self._exclude is None

    def takes(self, topic: str) -> bool:
        """Whether messages of this topic are wanted. Each topic is looked at once, then remembered."""
        known = self._known.get(topic)
        if known is None:
            known = self._takes(topic)
            if len(self._known) < MOST_REMEMBERED:
                self._known[topic] = known
        return known

    def _takes(self, topic: str) -> bool:
        if self._exclude is not None and self._exclude.search(topic):
            return False
        if not self.names and self._include is None:
            return True
        named = topic in self.names or topic.startswith(self._beginnings)
        return named or (self._include is not None and self._include.search(topic) is not None)


def _compiled(key: str, expression: str | None) -> re.Pattern[str] | None:
    if expression is None:
        return None
    if len(expression) > LONGEST_EXPRESSION:
        raise ConfigError(key, expression, f"a regular expression of at most {LONGEST_EXPRESSION} characters")
    try:
        return re.compile(expression)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(key, expression, f"a regular expression of Python's re ({error})") from None
