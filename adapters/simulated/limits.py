"""Limits that the parts of a scenario file share."""

from __future__ import annotations

from typing import Annotated

from annotated_types import DocInfo, Ge, Gt, Le, Predicate

from fusion.config import is_id

Name = Annotated[str, Predicate(is_id), DocInfo("1 to 64 of A-Z, a-z, 0-9, _ and -")]
Positive = Annotated[float, Gt(0), Le(1e9)]
NotNegative = Annotated[float, Ge(0), Le(1e9)]
Seconds = Annotated[float, Ge(0), Le(1e6)]  # 11 days: longer than any scenario
Speed = Annotated[float, Gt(0), Le(20_000)]  # m/s: faster leaves the earth
