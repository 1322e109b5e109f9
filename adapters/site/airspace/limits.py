"""The floors and ceilings of published volumes: as they are written, and above the ellipsoid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from adapters.heights import FOOT_M, check_reference, ellipsoidal, undulation_m
from adapters.site.airspace.settings import AirspaceConfig
from fusion.errors import ConfigError
from fusion.types import Floats

UNLIMITED_M: Final = 100_000.0  # the top of what has none: where air ends, and everything that flies in it
HUNDRED_FEET_M: Final = 100.0 * FOOT_M  # a flight level
NOTATIONS: Final = "a height as 1000ft MSL, 500 AGL, 300m ASFC, FL95, GND, SFC or UNL"
UNITS: Final = {"FT": FOOT_M, "F": FOOT_M, "FEET": FOOT_M, "M": 1.0, "MT": 1.0, "METERS": 1.0, "METRES": 1.0}
SEA: Final = ("MSL", "AMSL", "ASL", "ALT", "QNH")
GROUND: Final = ("GND", "SFC", "AGL", "ASFC", "AGND", "GROUND", "SURFACE")
UNLIMITED: Final = ("UNL", "UNLIM", "UNLIMITED", "UNLTD", "UNLD")
_TOKEN = re.compile(r"\s*(?:(-?[0-9]+(?:\.[0-9]+)?)|([A-Z]+)|('))\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """A floor or ceiling as published: metres of a reference; `ground` and `unlimited` have no number."""

    reference: Literal["ellipsoid", "msl", "pressure", "agl", "ground", "unlimited"]
    height_m: float = 0.0


def read_limit(text: str) -> Limit:
    """An OpenAir height. No unit is feet, no reference is sea level. Raises ConfigError."""
    numbers, words = _tokens(text)
    level = "FL" in words
    units = [UNITS[word] for word in words if word in UNITS]
    references = [word for word in words if word in (*SEA, *GROUND, *UNLIMITED, "STD")]
    known = len(units) + len(references) + words.count("FL") == len(words)
    if not known or len(numbers) > 1 or len(units) > 1 or len(references) > 1 or words.count("FL") > 1:
        raise ConfigError("", text, NOTATIONS)
    if not numbers:
        if len(words) == 1 and words[0] in UNLIMITED:
            return Limit("unlimited")
        if len(words) == 1 and words[0] in GROUND:
            return Limit("ground")
        if words == ["MSL"]:
            return Limit("msl")
        raise ConfigError("", text, NOTATIONS)
    if level:
        if units or (references and references != ["STD"]):
            raise ConfigError("", text, NOTATIONS)
        return _limit("pressure", numbers[0] * HUNDRED_FEET_M, text)
    reference = references[0] if references else "MSL"
    if reference in UNLIMITED:
        raise ConfigError("", text, NOTATIONS)
    height = numbers[0] * (units[0] if units else FOOT_M)
    return _limit("pressure" if reference == "STD" else "msl" if reference in SEA else "agl", height, text)


def _tokens(text: str) -> tuple[list[float], list[str]]:
    """The numbers and the words of a height."""
    numbers: list[float] = []
    words: list[str] = []
    place, upper = 0, text.strip().upper()
    while place < len(upper):
        match = _TOKEN.match(upper, place)
        if match is None:
            raise ConfigError("", text, NOTATIONS)
        if match[1]:
            numbers.append(float(match[1][:20]))
        else:
            words.append(match[2] or "FT")
        place = match.end()
    return numbers, words


def _limit(reference: Literal["msl", "pressure", "agl"], height_m: float, text: object) -> Limit:
    if not -10_000.0 <= height_m <= 1_000_000.0:
        raise ConfigError("", text, "a height from -10 to 1000 km")
    return Limit("ground") if reference == "agl" and height_m == 0.0 else Limit(reference, height_m)


def settle(floor: Limit, ceiling: Limit, outline: Floats, settings: AirspaceConfig) -> tuple[float, float]:
    """Floor and ceiling above the ellipsoid, m.

    outline: (n, 2) lon_deg, lat_deg. Sea level is taken where it is lowest for the floor, highest for the ceiling: the
    volume is never smaller than the published one. A floor on the ground is at sea level, or at the ground where that
    is lower: nothing flies below it. Raises ConfigError: qnh_hpa or ground_m where one is needed and missing.
    """
    if floor.reference == "unlimited":
        raise ConfigError("floor", "unlimited", "a height")
    if ceiling.reference == "ground":
        raise ConfigError("ceiling", "the ground", "a height above the floor")
    low = _settled(floor, outline, settings).min()
    high = _settled(ceiling, outline, settings).max()
    return float(low), float(high)


def _settled(limit: Limit, outline: Floats, settings: AirspaceConfig) -> Floats:
    lon, lat = outline[:, 0], outline[:, 1]
    height = np.full(len(outline), limit.height_m)
    if limit.reference == "unlimited":
        return height + UNLIMITED_M
    if limit.reference == "ground":
        sea = undulation_m(lat, lon)
        return sea if settings.ground_m is None else np.minimum(sea, settings.ground_m)
    check_reference(limit.reference, settings.qnh_hpa, settings.ground_m)
    return ellipsoidal(height, limit.reference, lat, lon, qnh_hpa=settings.qnh_hpa, ground_m=settings.ground_m)
