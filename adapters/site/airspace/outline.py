"""The outline of one OpenAir volume: points, arcs, a circle or an airway, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from adapters.site.airspace.arcs import Position, arc, azimuth_and_distance, closed, corridor
from adapters.site.airspace.mending import read_published_shape
from adapters.site.airspace.notation import NAUTICAL_MILE_M, POINT, read_numbers, read_points
from adapters.site.airspace.published import check_radius
from adapters.site.checking import MISSING
from adapters.site.zone_shapes import Shape
from fusion.errors import ConfigError

RECORDS: Final = ("V", "DP", "DA", "DB", "DC", "DY")
RADII_APART: Final = 0.1  # by which the radii of an arc's ends may differ: more is a wrong centre, not rounding
ROUNDING_M: Final = 200.0  # … and what minutes to one decimal leave of a small radius
ONE_OUTLINE: Final = "points and arcs, or else one circle (DC), or else an airway (DY)"


class Outline:
    """Takes the records of a volume one after another; `finish` gives the shape."""

    def __init__(self) -> None:
        self.begun = False
        self._points: list[Position] = []
        self._circle: tuple[Position, float] | None = None
        self._airway: list[Position] = []
        self._centre: Position | None = None
        self._clockwise = True
        self._width_m: float | None = None

    def take(self, record: str, text: str) -> None:
        """One of `RECORDS`. Raises ConfigError, its key empty."""
        if record == "V":
            self._set(text)
            return
        self.begun = True
        {"DP": self._point, "DA": self._bearings, "DB": self._ends, "DC": self._whole, "DY": self._leg}[record](text)

    def finish(self) -> tuple[Shape, float | None]:
        """The shape, and the radius of a circle. Raises ConfigError, its key the records that are at fault."""
        given = [bool(self._points), self._circle is not None, bool(self._airway)]
        if sum(given) != 1:
            raise ConfigError("outline", MISSING if not any(given) else "several kinds of outline", ONE_OUTLINE)
        if self._circle is not None:
            return Shape(centre=self._circle[0]), self._circle[1]
        if self._airway:
            if self._width_m is None:
                raise ConfigError("V W", MISSING, "the airway's width in nautical miles")
            if len(closed(self._airway)) < 3:
                raise ConfigError("DY", f"{len(self._airway)} points", "at least two points apart")
            parts = corridor(self._airway, self._width_m)
            return _checked("MultiPolygon", [[_plain(ring) for ring in rings] for rings in parts], "DY"), None
        return _checked("Polygon", [_plain(closed(self._points))], "outline"), None

    def _set(self, text: str) -> None:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name.upper() not in ("X", "D", "W", "Z"):
            raise ConfigError("", text, "X=, D=, W= or Z= with a value")
        if name.upper() == "X":
            self._centre = read_points(value, 1)[0]
        elif name.upper() == "D":
            if value not in ("+", "-"):
                raise ConfigError("", text, "D=+ (clockwise) or D=-")
            self._clockwise = value == "+"
        elif name.upper() == "W":
            width = read_numbers(value, 1, "a width in nautical miles")[0] * NAUTICAL_MILE_M
            self._width_m = 2.0 * check_radius(width / 2.0, text)

    def _point(self, text: str) -> None:
        self._points += read_points(text, 1)

    def _bearings(self, text: str) -> None:
        radius, start, end = read_numbers(text, 3, "radius in nautical miles, first and last bearing")
        if max(start, end) > 360.0:
            raise ConfigError("", text, "bearings from 0 to 360")
        metres = check_radius(radius * NAUTICAL_MILE_M, text)
        self._points += arc(self._middle(), (metres, metres), (start, end), self._clockwise)

    def _ends(self, text: str) -> None:
        ends = read_points(text, 2, f"two points, each {POINT}")
        centre = self._middle()
        azimuths, radii = zip(*(azimuth_and_distance(centre, end) for end in ends), strict=True)
        for radius in radii:
            check_radius(radius, text)
        if abs(radii[0] - radii[1]) > RADII_APART * max(radii) + ROUNDING_M:
            found = f"ends {radii[0] / 1000.0:.3f} and {radii[1] / 1000.0:.3f} km from the centre"
            raise ConfigError("", found, "ends as far from the centre as each other")
        drawn = arc(centre, (radii[0], radii[1]), (azimuths[0], azimuths[1]), self._clockwise)
        self._points += [ends[0], *drawn[1:-1], ends[1]]

    def _whole(self, text: str) -> None:
        if self._circle is not None:
            raise ConfigError("", text, "one circle in a volume")
        radius = read_numbers(text, 1, "a radius in nautical miles")[0] * NAUTICAL_MILE_M
        self._circle = self._middle(), check_radius(radius, text)

    def _leg(self, text: str) -> None:
        self._airway += read_points(text, 1)

    def _middle(self) -> Position:
        if self._centre is None:
            raise ConfigError("V X", MISSING, "the centre, before the arc or circle")
        return self._centre


def _plain(ring: Sequence[Sequence[float]]) -> list[list[float]]:
    return [list(position) for position in ring]


def _checked(kind: str, coordinates: list[Any], key: str) -> Shape:
    """A shape with the checks of a GeoJSON one. Raises ConfigError in the words of OpenAir."""
    try:
        return read_published_shape({"type": kind, "coordinates": coordinates})
    except ConfigError as error:
        allowed = "at least three points apart, and edges that do not cross each other"
        raise ConfigError(key, error.found, allowed) from None
