"""What every KML file of ours does alike: heights from sea level, times, text that XML can hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np
from fastkml.times import KmlDateTime

from adapters.heights import referred
from adapters.site.utc import EPOCH
from fusion.types import Floats

HEIGHT_DECIMALS: Final = 3  # of metres: sea level itself is known to half a metre


def above_sea(lon_deg: Floats, lat_deg: Floats, alt_m: Floats) -> Floats:
    """Heights above the ellipsoid (n,) as heights above sea level (EGM96), from which KML counts them: (n,) m."""
    return np.round(referred(alt_m, "msl", lat_deg, lon_deg), HEIGHT_DECIMALS)


def when(time_ns: int) -> KmlDateTime:
    """To the microsecond: Google Earth knows no finer."""
    return KmlDateTime(EPOCH + timedelta(microseconds=time_ns // 1000))


def clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
