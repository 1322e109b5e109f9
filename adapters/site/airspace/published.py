"""One published volume, whatever file it came from, and how it becomes a zone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from adapters.site.airspace.arcs import arc
from adapters.site.airspace.limits import Limit, settle
from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.checking import quoted
from adapters.site.zone_shapes import Shape
from fusion.airspace.schedule import DailyWindow
from fusion.config import LONGEST_TEXT, ZoneConfig
from fusion.errors import ConfigError
from fusion.types import Floats

Form = Literal["GeoJSON", "OpenAir", "ED-269", "ED-318"]

LONGEST_ID: Final = 64
ROOM_FOR_NUMBER: Final = 6  # characters of an id for "-" and up to 99 999 volumes of one name
FREQUENCY: Final = re.compile(r"(?<![0-9.])1[1-3][0-9]\.[0-9]{1,3}(?![0-9.])")  # MHz, of the aeronautical band
LARGEST_RADIUS_M: Final = 1_000_000.0  # as of a GeoJSON zone


@dataclass(frozen=True, slots=True)
class Published:
    """A volume as its file says it.

    kinds: its class and its type, the more telling first.  radius_m: of a circle.  place: how errors name it.  line: of
    its file, None where lines say little.  active, daily: as
    `ZoneConfig` has them.
    """

    name: str
    kinds: tuple[str, ...]
    floor: Limit
    ceiling: Limit
    shape: Shape
    radius_m: float | None
    place: str
    line: int | None = None
    identifier: str = ""
    active: tuple[tuple[int, int], ...] | None = None
    daily: tuple[DailyWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """What a zone file holds.

    form: as people call it.  left_out: what cannot be used, an error for each volume.  not_taken: how many volumes of
    each kind the configuration does not take.
    """

    form: Form
    zones: tuple[ZoneConfig, ...]
    left_out: tuple[ConfigError, ...] = ()
    not_taken: Mapping[str, int] = field(default_factory=dict)


def zones_of(
    form: Form,
    volumes: Sequence[Published],
    settings: AirspaceConfig,
    file: str,
    left_out: Sequence[ConfigError] = (),
) -> ZoneFile:
    """The volumes that the configuration takes, as zones, in their order; `left_out` goes before what is left out here.

    An id is made of the identifier, else of the name: what an id may not hold becomes one `-`; the second of one id
    gets `-2`, the third `-3`.
    """
    zones: list[ZoneConfig] = []
    mistakes = list(left_out)
    not_taken: dict[str, int] = {}
    used: dict[str, int] = {}
    for volume in volumes:
        if settings.kinds and not set(settings.kinds).intersection(volume.kinds):
            not_taken[volume.kinds[0]] = not_taken.get(volume.kinds[0], 0) + 1
            continue
        zone_id = _unique(slug(volume.identifier or volume.name), used)
        try:
            zones.append(_zone(volume, zone_id, settings))
        except ConfigError as error:
            mistakes.append(error.within(file, volume.place, volume.line))
    return ZoneFile(form, tuple(zones), tuple(mistakes), not_taken)


def slug(text: str) -> str:
    """A text as an id: plain letters, digits, _ and -. Without radio frequencies, which change while a zone stays."""
    text = FREQUENCY.sub(" ", text)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")[: LONGEST_ID - ROOM_FOR_NUMBER].rstrip("-") or "zone"


def one_line(text: str) -> str:
    """A text from outside as a name: printable, in one line, cut to what a name may be."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_TEXT]


def named(text: str) -> str:
    """How errors name a volume."""
    return quoted(text) if text else "a volume without a name"


def _unique(base: str, used: dict[str, int]) -> str:
    """`base`, or with the next number behind it where it is taken."""
    name = base
    while name in used:
        used[base] += 1
        name = f"{base}-{used[base]}"
    used[name] = 1
    return name


def _zone(volume: Published, zone_id: str, settings: AirspaceConfig) -> ZoneConfig:
    shape = volume.shape
    circle = None if shape.centre is None or volume.radius_m is None else (*shape.centre, volume.radius_m)
    floor, ceiling = settle(volume.floor, volume.ceiling, outline(shape, volume.radius_m), settings)
    if not floor < ceiling:
        raise ConfigError("ceiling", f"{ceiling:.0f} m", f"a height above the floor, which is {floor:.0f} m")
    return ZoneConfig(
        id=zone_id,
        floor_m=floor,
        ceiling_m=ceiling,
        polygons=shape.polygons,
        circle=circle,
        name=one_line(volume.name),
        kind=volume.kinds[0],
        lookahead_s=settings.lookahead_s,
        margin_m=settings.margin_m,
        margin_vertical_m=settings.margin_vertical_m,
        predicted_probability=settings.predicted_probability,
        imminent_s=settings.imminent_s,
        active=volume.active,
        daily=volume.daily,
        ignore=settings.ignore,
    )


def outline(shape: Shape, radius_m: float | None) -> Floats:
    """Points on the edge of a shape: (n, 2) lon_deg, lat_deg."""
    if shape.centre is not None:
        return np.array(arc(shape.centre, (radius_m or 0.0, radius_m or 0.0), (0.0, 0.0), True))
    return np.concatenate([np.array(polygon[0]) for polygon in shape.polygons])


def check_radius(radius_m: float, found: object) -> float:
    """A circle's radius. Raises ConfigError."""
    if not 0.0 < radius_m <= LARGEST_RADIUS_M:
        raise ConfigError("", found, f"a radius greater than 0, up to {LARGEST_RADIUS_M / 1000.0:g} km")
    return radius_m
