"""Tracks as lines on a map: each track's own points in order of time, cut where a map has its edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from fusion.types import Floats, Ints, Picture

HALF_TURN_DEG = 180.0  # a longer step in longitude is one over the antimeridian


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Points that a map joins. times_ns: (n,).  position: (n, 3) lon_deg, lat_deg, alt_m above the ellipsoid."""

    times_ns: Ints
    position: Floats


@dataclass(slots=True)
class Traits:
    """What is known of a track beside its way: the last that was told; the sensors all that ever contributed."""

    status: str = ""
    created_ns: int = 0
    hits: int = 0
    identity: str | None = None
    sensors: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One track. ended: why, where the recording tells its end."""

    id: int
    way: Piece
    traits: Traits
    ended: str | None


def lines_of(pictures: Iterable[Picture], ended: Mapping[int, str]) -> Iterator[Line]:
    """The tracks of pictures in order of time: by first appearance, then id. Holds 40 bytes of each point."""
    ids: list[Ints] = []
    times: list[Ints] = []
    places: list[Floats] = []
    traits: dict[int, Traits] = {}
    for picture in pictures:
        ids.append(picture.id)
        times.append(np.full(len(picture.id), picture.time_ns, dtype=np.int64))
        places.append(np.stack([picture.lon_deg, picture.lat_deg, picture.alt_m], axis=1))
        _note(picture, traits)
    if not ids:
        return
    track, when, position = np.concatenate(ids), np.concatenate(times), np.concatenate(places)
    order = np.argsort(track, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(track[order])) + 1)
    for rows in sorted(groups, key=lambda rows: (when[rows[0]], track[rows[0]])):
        name = int(track[rows[0]])
        yield Line(name, Piece(when[rows], position[rows]), traits[name], ended.get(name))


def _note(picture: Picture, traits: dict[int, Traits]) -> None:
    for row, name in enumerate(picture.id.tolist()):
        known = traits.setdefault(name, Traits())
        known.status, known.hits = picture.status[row], int(picture.hits[row])
        known.created_ns = int(picture.created_ns[row])
        known.identity = picture.identity[row] or known.identity
        known.sensors |= dict.fromkeys(picture.sensors[row])


def cut(way: Piece) -> list[Piece]:
    """The way in pieces that do not cross the antimeridian (RFC 7946, 3.1.9), joined to it at ±180°.

    Where it crosses, latitude, height and time are taken straight between the points beside.
    """
    lon = way.position[:, 0]
    crossings = np.flatnonzero(np.abs(np.diff(lon)) > HALF_TURN_DEG)
    pieces: list[Piece] = []
    start: Piece | None = None
    begin = 0
    for k in crossings.tolist():
        edge = np.copysign(HALF_TURN_DEG, lon[k])
        left, step = edge - lon[k], lon[k + 1] + 2.0 * edge - lon[k]
        share = left / step if step else 0.0
        time_ns = int(way.times_ns[k]) + round(share * int(way.times_ns[k + 1] - way.times_ns[k]))
        at = way.position[k] + share * (way.position[k + 1] - way.position[k])
        here = _piece(way, begin, k + 1)
        pieces.append(_joined(start, here, None if share == 0.0 else _point(time_ns, edge, at)))
        start = None if share == 1.0 else _point(time_ns, -edge, at)
        begin = k + 1
    pieces.append(_joined(start, _piece(way, begin, len(lon)), None))
    longer = [piece for piece in pieces if len(piece.times_ns) > 1]
    return longer or pieces[:1]


def _piece(way: Piece, begin: int, end: int) -> Piece:
    return Piece(way.times_ns[begin:end], way.position[begin:end])


def _point(time_ns: int, lon_deg: float, at: Floats) -> Piece:
    return Piece(np.array([time_ns]), np.array([[lon_deg, at[1], at[2]]]))


def _joined(*parts: Piece | None) -> Piece:
    there = [part for part in parts if part is not None]
    return Piece(np.concatenate([part.times_ns for part in there]), np.concatenate([part.position for part in there]))
