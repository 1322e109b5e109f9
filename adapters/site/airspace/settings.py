"""What published airspace does not say, and a site has to: the table `[airspace]` of its `site.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le

from adapters.site.checking import CHECKED
from fusion.config import Margin, Probability, Qnh, Text
from fusion.types import Height


@dataclass(frozen=True, slots=True)
class AirspaceConfig:
    """For every zone of an OpenAir, ED-269 or ED-318 file; `qnh_hpa` and `ground_m` also for GeoJSON zones that need
    one and have none. kinds: classes or types that are taken; none: all.
    """

    __pydantic_config__ = CHECKED

    kinds: tuple[Text, ...] = ()
    qnh_hpa: Qnh | None = None
    ground_m: Height | None = None
    lookahead_s: Annotated[float, Gt(0), Le(3600)] = 180.0
    margin_m: Margin = 0.0
    margin_vertical_m: Margin = 0.0
    predicted_probability: Probability = 0.5
    imminent_s: Annotated[float, Ge(0), Le(3600)] = 60.0
    ignore: tuple[Text, ...] = ()
