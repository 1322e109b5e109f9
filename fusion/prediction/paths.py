"""Where a track may go: its future as a set of sampled paths, and when these enter a volume.

The model is the tracker's own, continued: the mixture over motion modes that the track is in now, moved by each mode's
F and Q (`fusion.tracking.motion`), with the modes changing by the equal-input chain. The samples are fixed points, so
the same track always gets the same answer. Paths run along the ground and in height above the ellipsoid: who flies
level follows the earth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.airspace.volumes import Volume
from fusion.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, Plane, axes_at, rotate
from fusion.prediction.samples import leading, normals, samples
from fusion.tracking.motion import GRAVITY, Motions
from fusion.types import Floats, Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL: Final = 1024  # paths to draw a corridor from
ROUGH: Final = 128  # paths to see how near a track comes
ANSWER, FEWEST_ANSWER = 4096, 1024  # paths for a probability: its standard error is some 0.003 ...
GLANCE: Final = 256  # ... and to see whether that answer is worth it
FEW: Final = 64  # ways, to see which zones are worth a glance
HEIGHTS: Final = 2  # that each of these tries, where height and way are independent
STEP_S: Final = 3.0  # of drawn paths, aimed at: a turn bends by less than 40° in it at the speed of a drone
ROUGH_STEP_S: Final = 6.0  # of the few drawn paths
FEWEST_STEPS, MOST_STEPS = 16, 128  # of drawn paths: powers of two, so that few tables of samples are needed
DENSITY_POINTS: Final = 128  # of the places of entry, among which the most likely is sought


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """The future of one track out to `horizon_s`, as the deviates that `count` paths are drawn from.

    share: (m,) cumulated mode probabilities.  mean: (m, 6), root: (m, 6, 6) lower root of the covariance: along the
    heading and across it (to the left), their rates, height above the ellipsoid and its rate, along the ground and up
    from the track's foot.  frame: (3, 3) east, north, up there, earth-centred.  curvature: (4,) radii of the earth's
    surface there east and north, raised to the track's height, m; cosine and sine of the heading from east.
    """

    motions: Motions
    share: Floats
    mean: Floats
    root: Floats
    frame: Floats
    curvature: Floats
    horizon_s: float
    count: int
    _drawn: dict[int, Floats] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> Floats:
        """(count, k + 1, 3) east and north along the ground from the foot, m, and height above the ellipsoid, m, at
        k + 1 times `dt` apart, the first now.
        """
        return self.drawn(self.count)

    @property
    def dt(self) -> float:
        """Seconds between two points of `path`."""
        return self.horizon_s / _steps(self.horizon_s, self.count)

    def drawn(self, count: int) -> Floats:
        """As `path`, for another number of paths. Drawn once."""
        if count not in self._drawn:
            self._drawn[count] = _draw(self, count, _steps(self.horizon_s, count))
        return self._drawn[count]

    def path_at(self, rows: NDArray[np.intp], time_s: Floats) -> Floats:
        """Points (n, 3) of the paths `rows` at their times (n,)."""
        at = time_s / self.dt
        step = np.minimum(at.astype(np.int64), self.path.shape[1] - 2)
        begin, end = self.path[rows, step], self.path[rows, step + 1]
        return np.asarray(begin + (at - step)[:, None] * (end - begin))

    def geodetic(self, ground: Floats) -> tuple[Floats, Floats]:
        """Points (n, 2) along the ground, as paths have them: latitude and longitude, degrees."""
        x, y = ground[:, 0] / self.curvature[0], ground[:, 1] / self.curvature[1]
        arc = np.sqrt(x * x + y * y)
        part = np.where(arc > 0.0, np.sin(arc) / np.where(arc > 0.0, arc, 1.0), 1.0)
        normal = rotate(np.stack([part * x, part * y, np.cos(arc)], axis=-1), self.frame.T)
        level = np.sqrt(normal[:, 0] ** 2 + normal[:, 1] ** 2)
        return np.degrees(np.arctan2(normal[:, 2], level)), np.degrees(np.arctan2(normal[:, 1], normal[:, 0]))

    def place(self, point: Floats) -> Place:
        """A point (3,) of a path as a place."""
        lat, lon = self.geodetic(point[None, :2])
        return Place(float(lat[0]), float(lon[0]), float(point[2]))


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Where n tracks are now, each as seen from its own foot, as `Fan` has it.

    share: (n, m).  mean: (n, m, 6).  root: (n, m, 6, 6).  frame: (n, 3, 3).  curvature: (n, 4).  centre: (n, 3) in the
    plane, of their means.  turn: (3 n, 3) along the heading, across it and up, in plane axes.  height_m: (n,).
    """

    share: Floats
    mean: Floats
    root: Floats
    frame: Floats
    curvature: Floats
    centre: Floats
    turn: Floats
    height_m: Floats

    @classmethod
    def of(cls, plane: Plane, weight: Floats, mean: Floats, covariance: Floats) -> Starts:
        """weight: (n, m), mean: (n, m, 6), covariance: (n, m, 6, 6), in the plane, as in `Outlook`."""
        from fusion.kernels.grounded import grounded

        centre = (weight[..., None] * mean).sum(axis=1)
        lat, lon, height, axes = plane.places(centre[:, :3])
        velocity = rotate(centre[:, 3:], axes)
        speed = np.sqrt(velocity[:, 0] ** 2 + velocity[:, 1] ** 2)
        moves = speed > 0.0
        speed = np.where(moves, speed, 1.0)
        cos, sin = np.where(moves, velocity[:, 0] / speed, 1.0), np.where(moves, velocity[:, 1] / speed, 0.0)
        along = cos[:, None] * axes[:, 0] + sin[:, None] * axes[:, 1]
        across = cos[:, None] * axes[:, 1] - sin[:, None] * axes[:, 0]
        turn = np.stack([along, across, axes[:, 2]], axis=1).reshape(-1, 3)
        local, root = np.empty(mean.shape), np.empty(covariance.shape)
        grounded(
            np.ascontiguousarray(mean, dtype=float), np.ascontiguousarray(covariance, dtype=float),
            centre[:, :3].copy(), turn, local, root,
        )  # fmt: skip
        local[..., 4] += height[:, None]
        part = np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(np.radians(lat)) ** 2)
        east, north = SEMI_MAJOR_M / part, SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / part**3
        curvature = np.stack([east + height, north + height, cos, sin], axis=1)
        share = np.cumsum(weight, axis=1)
        return cls(share, local, root, axes_at(lat, lon), curvature, centre[:, :3], turn, height)

    def fan(self, motions: Motions, i: int, horizon_s: float, count: int = FULL) -> Fan:
        """The future of track `i`."""
        parts = self.share[i], self.mean[i], self.root[i], self.frame[i], self.curvature[i]
        return Fan(motions, *parts, horizon_s, count)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """How sampled paths enter a volume while it is active.

    probability: of being inside at any time from now to the look-ahead.  now: of being inside now.  times_s:
    (s,) of first entry, inf for none.  time_s: (p10, p50, p90), given entry.  place: where it is most likely; both
    None without an entry.
    """

    probability: float
    now: float
    times_s: Floats
    time_s: tuple[float, float, float] | None
    place: Place | None


def fan(
    motions: Motions,
    plane: Plane,
    weight: Floats,
    mean: Floats,
    covariance: Floats,
    horizon_s: float,
    count: int = FULL,
) -> Fan:
    """The future of one track out to `horizon_s`; `count` paths stand in its `path`.

    weight: (m,), mean: (m, 6), covariance: (m, 6, 6), in the plane, as in `Outlook`.
    """
    return Starts.of(plane, weight[None], mean[None], covariance[None]).fan(motions, 0, horizon_s, count)


def entry(paths: Fan, volume: Volume, spans: tuple[tuple[float, float], ...], count: int | None = None) -> Entry:
    """How `count` paths enter `volume` during `spans`, the times (from, to), s from now, at which it is active.

    Without `count` as many as an answer of one standard error needs: `ANSWER` in doubt, fewer where most paths agree.
    """
    if count is None:
        glance = chance(paths, volume, spans, GLANCE)
        count = ANSWER
        while count > FEWEST_ANSWER and count >= 8.0 * ANSWER * glance * (1.0 - glance):
            count //= 2
    times, places = sampled(paths, volume, spans, count)
    found = times.ravel()
    rows = np.flatnonzero(np.isfinite(found))
    now = float(np.count_nonzero(found == 0.0)) / len(found)
    if not len(rows):
        return Entry(0.0, now, found, None, None)
    low, middle, high = (float(q) for q in np.quantile(found[rows], (0.1, 0.5, 0.9)))
    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), DENSITY_POINTS)).astype(np.int64)]
    where = _densest(_unturned(places.reshape(-1, 3)[few], paths.curvature))
    return Entry(len(rows) / len(found), now, found, (low, middle, high), paths.place(where))


def chance(paths: Fan, volume: Volume, spans: tuple[tuple[float, float], ...], count: int) -> float:
    """The probability of an `Entry` alone."""
    times = sampled(paths, volume, spans, count)[0]
    return float(np.count_nonzero(np.isfinite(times))) / times.size


def sampled(paths: Fan, volume: Volume, spans: tuple[tuple[float, float], ...], count: int) -> tuple[Floats, Floats]:
    """When and where paths first enter: (count, heights) s, inf for never; (count, heights, 3) along and across the
    heading, and height.
    """
    from fusion.kernels.entries import entries, room

    motions = paths.motions
    heights = 1 if motions.parameters[:, GRAVITY].any() else HEIGHTS
    times, places = np.empty((count, heights)), np.empty((count, heights, 3))
    entries(
        leading(count), normals(), paths.share, paths.mean, paths.root, paths.frame, paths.curvature,
        motions.parameters, motions.prior, motions.rate_per_s, paths.horizon_s, volume.axes,
        np.array(volume.radii_m), np.array([volume.floor_m, volume.ceiling_m]), volume.box, *volume.mesh.parts,
        np.array(spans), *room(heights, len(motions.prior)), times, places,
    )  # fmt: skip
    return times, places


def nearest(paths: Fan, volume: Volume, entered_s: Floats) -> tuple[float, float]:
    """Expected nearest approach to a volume, active or not: (m, s), means over the paths of the least distance and its
    time. A path that enters counts with 0 m at its entry: entered_s as in `Entry.times_s`; those that stay out are
    `ROUGH` drawn ones.
    """
    from fusion.kernels.approach import approach

    enters = np.isfinite(entered_s)
    share = 1.0 - float(np.count_nonzero(enters)) / len(entered_s)
    mean = float(np.add.reduce(entered_s[enters])) / len(entered_s)
    if share == 0.0:
        return 0.0, mean
    drawn = paths.drawn(ROUGH)
    out = np.empty((2, len(drawn)))
    approach(
        drawn, paths.horizon_s / (drawn.shape[1] - 1), paths.frame, paths.curvature, volume.axes,
        np.array(volume.radii_m), np.array([volume.floor_m, volume.ceiling_m]), volume.box, volume.rough_edges, out,
    )  # fmt: skip
    outside = out[0] > 0.0
    least, when = out[:, outside] if outside.any() else out
    count = len(least)
    return share * float(np.add.reduce(least)) / count, mean + share * float(np.add.reduce(when)) / count


def _steps(horizon_s: float, count: int) -> int:
    steps, step_s = FEWEST_STEPS, STEP_S if count > ROUGH else ROUGH_STEP_S
    while steps < MOST_STEPS and steps * step_s < horizon_s:
        steps *= 2
    return steps


def _draw(paths: Fan, count: int, steps: int) -> Floats:
    """(count, steps + 1, 3), as `Fan.path` has them."""
    from fusion.kernels.paths import walk

    motions, points = paths.motions, samples(count, steps)
    first = np.minimum(np.searchsorted(paths.share, points.mode, side="right"), len(paths.share) - 1)
    state = paths.mean[first] + _transformed(paths.root[first], points.state)
    start = np.ascontiguousarray(state[:, [0, 1, 4, 2, 3, 5]])
    start[:, 2] += (start[:, 0] ** 2 + start[:, 1] ** 2) / (2.0 * paths.curvature[0])
    path = np.empty((count, steps + 1, 3))
    walk(
        start, first.astype(np.int64), points.wait, points.jump, points.noise,
        motions.parameters, motions.prior, motions.rate_per_s, paths.horizon_s / steps, path,
    )  # fmt: skip
    return _unturned(path, paths.curvature)


def _unturned(points: Floats, curvature: Floats) -> Floats:
    """Points (…, 3) along and across the heading as east and north."""
    cos, sin = float(curvature[2]), float(curvature[3])
    along, across = points[..., 0], points[..., 1]
    return np.stack([cos * along - sin * across, sin * along + cos * across, points[..., 2]], axis=-1)


def _densest(points: Floats) -> Floats:
    """Of points (n, 3), the one with most others round it: a kernel estimate's mode, with Cauchy kernels of about
    Silverman's width.
    """
    from fusion.kernels.approach import densest

    centred = points - np.add.reduce(points, axis=0) / len(points)
    width = float(np.add.reduce((centred * centred).sum(axis=1))) / len(points) * len(points) ** (-2.0 / 7.0)
    return np.asarray(points[densest(np.ascontiguousarray(points), max(width, 1.0))])


def _transformed(roots: Floats, points: Floats) -> Floats:
    """Each of (s, 6) points by its own of (s, 6, 6) lower roots."""
    out = np.zeros_like(points)
    for j in range(6):
        out[:, j:] += roots[:, j:, j] * points[:, j, None]
    return out
