"""Where a track may go: its future as a set of sampled paths, and when these enter a volume.

The model is the tracker's own, continued: the mixture over motion modes that the track is in now, moved by each mode's
F and Q (`fusion.motion`), with the modes changing by the equal-input chain. The samples are fixed points, so the same
track always gets the same answer. Paths run along the ground and in height above the ellipsoid: who flies level
follows the earth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.crossing import first_inside
from fusion.geodesy import Plane, axes_at, rotate
from fusion.motion import DENSITY, GRAVITY, Motions, coefficients
from fusion.samples import samples
from fusion.types import Floats, Ints, Place
from fusion.volumes import Volume, radii_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL: Final = 1024  # paths for an answer: its standard error is below 0.01 on average
ROUGH: Final = 128  # paths to see whether a full answer is worth it: all miss a chance of 1 in 20 once in 700 times
STEP_S: Final = 3.0  # aimed at: a turn bends by less than 40° in it at the speed of a drone, and the chord stays close
ROUGH_STEP_S: Final = 6.0  # for the few paths
FEWEST_STEPS, MOST_STEPS = 16, 128  # powers of two, so that few tables of samples are needed
NEAREST_PATHS, NEAREST_TIMES = 64, 16  # looked at for the nearest approach, before times are refined
DENSITY_POINTS: Final = 128  # of the places of entry, among which the most likely is sought
FAR_SIGMAS: Final = 5.0  # beyond these a track is not expected to go


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Sampled futures of one track. path: (s, k + 1, 3) east and north along the ground from its foot, m, and height
    above the ellipsoid, m, at k + 1 times `dt` apart, the first now.  frame: (3, 3) east, north, up there,
    earth-centred. curvature: (2,) m, radii of the earth's surface there, raised to the track's height.
    """

    path: Floats
    dt: float
    frame: Floats
    curvature: Floats

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
class Entry:
    """How the paths of a fan enter a volume while it is active.

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
    count: int,
) -> Fan:
    """The futures of one track out to `horizon_s`: `count` paths.

    weight: (m,), mean: (m, 6), covariance: (m, 6, 6), in the plane, as in `Outlook`.
    """
    from fusion.kernels.paths import walk

    steps = _steps(horizon_s, STEP_S if count > ROUGH else ROUGH_STEP_S)
    points = samples(count, steps)
    centre = (weight[:, None] * mean[:, :3]).sum(axis=0)
    lat, lon, height = (float(part) for part in plane.to_geodetic(centre))
    first = np.minimum(np.searchsorted(np.cumsum(weight), points.mode), len(weight) - 1)
    state = mean[first] + _transformed(_roots(covariance)[first], points.state)
    axes, radii = plane.local_axes(lat, lon), radii_at(lat)
    start = np.empty((count, 6))
    start[:, :3], start[:, 3:] = rotate(state[:, :3] - centre, axes), rotate(state[:, 3:], axes)
    start[:, 2] += height + start[:, 0] ** 2 / (2.0 * radii[0]) + start[:, 1] ** 2 / (2.0 * radii[1])
    path, dt = np.empty((count, steps + 1, 3)), horizon_s / steps
    walk(
        start, first.astype(np.int64), points.wait, points.jump, points.noise,
        motions.parameters, motions.prior, motions.rate_per_s, dt, path,
    )  # fmt: skip
    return Fan(path, dt, axes_at(lat, lon), np.array(radii) + height)


def entry(paths: Fan, volume: Volume, spans: tuple[tuple[float, float], ...]) -> Entry:
    """How the paths enter `volume` during `spans`, the times (from, to) in seconds from now at which it is active."""
    chart, times = _chart(paths, volume), _times(paths)
    active = np.ones(len(times) - 1, dtype=bool)
    if spans != ((0.0, float(times[-1])),):
        chart, times, active = _during(chart, times, spans)
    step, part = first_inside(chart, volume, active)
    rows = np.flatnonzero(step >= 0)
    found = np.full(len(step), math.inf)
    found[rows] = times[step[rows]] + part[rows] * (times[step[rows] + 1] - times[step[rows]])
    now = float(np.count_nonzero(found == 0.0)) / len(found)
    if not len(rows):
        return Entry(0.0, now, found, None, None)
    low, middle, high = (float(q) for q in np.quantile(found[rows], (0.1, 0.5, 0.9)))
    where = paths.path_at(rows, found[rows])
    return Entry(len(rows) / len(found), now, found, (low, middle, high), paths.place(_densest(where)))


def nearest(paths: Fan, volume: Volume, entered_s: Floats) -> tuple[float, float]:
    """Expected nearest approach to a volume, active or not: (m, s), means over the paths of the least distance and its
    time. A path that enters counts with 0 m at its entry: entered_s as in `Entry.times_s`.
    """
    enters = np.isfinite(entered_s)
    total = float(np.add.reduce(entered_s[enters]))
    others = np.flatnonzero(~enters)
    if not len(others):
        return 0.0, total / len(entered_s)
    looked = others[np.linspace(0, len(others) - 1, min(NEAREST_PATHS, len(others))).astype(np.int64)]
    last = paths.path.shape[1] - 1
    stride = max(last // NEAREST_TIMES, 1)
    chart = _chart(Fan(np.ascontiguousarray(paths.path[looked]), paths.dt, paths.frame, paths.curvature), volume)
    steps = np.broadcast_to(np.arange(0, last + 1, stride), (len(looked), last // stride + 1))
    best, least = _least(chart, volume, steps)
    while stride > 1:
        stride //= 2
        around = np.clip(best[:, None] + np.array([-stride, 0, stride]), 0, last)
        best, least = _least(chart, volume, around)
    share = len(others) / len(entered_s)
    when = float(np.add.reduce(best)) / len(best) * paths.dt
    return share * float(np.add.reduce(least)) / len(least), total / len(entered_s) + share * when


def reach(motions: Motions, weight: Floats, mean: Floats, covariance: Floats, horizon_s: float) -> Floats:
    """How far each of n tracks may go within `horizon_s`: (n,) m. Arrays as in `Outlook`.

    Its speed, and `FAR_SIGMAS` of its uncertainty in position and velocity and of the noise to come, that of the modes
    it is in for as long as these last, then that of the modes it will be in.
    """
    density = motions.parameters[:, DENSITY]
    memory = 1.0 / motions.rate_per_s
    lasting = memory * (1.0 - math.exp(-horizon_s / memory))
    noise = (weight * density).sum(axis=1) * lasting + (motions.prior * density).sum() * (horizon_s - lasting)
    centre = (weight[..., None] * mean).sum(axis=1)
    off = mean - centre[:, None, :]
    spread = (weight[..., None] * (np.diagonal(covariance, axis1=2, axis2=3) + off * off)).sum(axis=1)
    climb = _climbing(motions, horizon_s)[1]
    velocity = np.sqrt((centre[:, 3:] ** 2).sum(axis=1))
    variance = spread[:, :3].sum(axis=1) + spread[:, 3:].sum(axis=1) * horizon_s**2
    variance += 2.0 * noise * horizon_s**2 / 3.0 + climb
    return np.asarray(velocity * horizon_s + FAR_SIGMAS * np.sqrt(variance))


def rise(motions: Motions, up: Floats, weight: Floats, mean: Floats, covariance: Floats, horizon_s: float) -> Floats:
    """How far each of n tracks may climb or descend within `horizon_s`: (n,) m. As `reach`; up: (n, 3) verticals."""
    centre = (weight[..., None] * mean).sum(axis=1)
    off = mean - centre[:, None, :]
    height, climb, variance = (np.zeros(len(up)) for _ in range(3))
    for i in range(3):
        height += centre[:, 3 + i] * up[:, i]
        for j in range(3):
            part = up[:, i, None] * up[:, j, None]
            variance += (weight * part * (covariance[:, :, i, j] + off[..., i] * off[..., j])).sum(axis=1)
            climb += (weight * part * (covariance[:, :, 3 + i, 3 + j] + off[..., 3 + i] * off[..., 3 + j])).sum(axis=1)
    lasting, noise = _climbing(motions, horizon_s)
    drop = 0.5 * float(motions.parameters[:, GRAVITY].max()) * horizon_s**2  # what may fall may pass any zone below
    return np.asarray(drop + np.abs(height) * lasting + FAR_SIGMAS * np.sqrt(variance + climb * lasting**2 + noise))


def _climbing(motions: Motions, horizon_s: float) -> tuple[float, float]:
    """The most that any mode makes of a climb rate in `horizon_s`: m for each m/s, and m² of noise."""
    lasting, noise = 0.0, 0.0
    for density, lateral, sigma, time, gravity, _ in motions.parameters.tolist():
        scalars = coefficients(density, lateral, sigma, time, 1.0, horizon_s)
        lasting = max(lasting, horizon_s if gravity else scalars[2])
        noise = max(noise, scalars[6] if gravity else scalars[9])
    return lasting, noise


def _steps(horizon_s: float, step_s: float) -> int:
    steps = FEWEST_STEPS
    while steps < MOST_STEPS and steps * step_s < horizon_s:
        steps *= 2
    return steps


def _times(paths: Fan) -> Floats:
    return np.arange(float(paths.path.shape[1])) * paths.dt


def _chart(paths: Fan, volume: Volume) -> Floats:
    from fusion.kernels.paths import chart

    out = np.empty((3, *paths.path.shape[:2]))
    chart(paths.path, paths.frame, paths.curvature, volume.axes, np.array(volume.radii_m), out)
    return out


def _during(
    chart: Floats, times: Floats, spans: tuple[tuple[float, float], ...]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Paths with a point at each begin and end of `spans` too; and (k,) which steps between points lie in one."""
    edges = [edge for span in spans for edge in span if 0.0 < edge < times[-1]]
    fine = np.unique(np.concatenate([times, edges]))
    step = np.clip(np.searchsorted(times, fine, side="right") - 1, 0, len(times) - 2)
    share: Floats = (fine - times[step]) / (times[step + 1] - times[step])
    middle = (fine[:-1] + fine[1:]) / 2.0
    active = np.zeros(len(middle), dtype=bool)
    for begin, end in spans:
        active |= (middle > begin) & (middle < end)
    before = chart[..., step]
    return np.ascontiguousarray(before + share * (chart[..., step + 1] - before)), fine, active


def _least(chart: Floats, volume: Volume, steps: Ints) -> tuple[Ints, Floats]:
    """Of each path, which of `steps` (s, n) is the nearest to the volume, and how far it is (m)."""
    rows = np.arange(len(steps))
    x, y, height = chart[:, rows[:, None], steps].reshape(3, -1)
    distance = volume.distance(x, y, height, rough=True)[1].reshape(steps.shape)
    best = distance.argmin(axis=1)
    return steps[rows, best], distance[rows, best]


def _densest(points: Floats) -> Floats:
    """Of points (n, 3), the one with most others round it: a kernel estimate's mode, with Cauchy kernels of about
    Silverman's width.
    """
    points = points[np.linspace(0, len(points) - 1, min(len(points), DENSITY_POINTS)).astype(np.int64)]
    centred = points - np.add.reduce(points, axis=0) / len(points)
    width = float(np.add.reduce((centred * centred).sum(axis=1))) / len(points) * len(points) ** (-2.0 / 7.0)
    apart = points[:, None, :] - points[None, :, :]
    square = apart[..., 0] ** 2 + apart[..., 1] ** 2 + apart[..., 2] ** 2
    density = (1.0 / (1.0 + square / max(width, 1.0))).sum(axis=1)
    return np.asarray(points[int(density.argmax())])


def _roots(covariance: Floats) -> Floats:
    """Lower Cholesky factors of (m, 6, 6) by plain loops: LAPACK's last bits differ between processors.

    A direction without variance, or with one below zero by rounding, gets none.
    """
    root = np.zeros_like(covariance)
    for j in range(6):
        rest = covariance[:, j, j] - (root[:, j, :j] ** 2).sum(axis=1)
        root[:, j, j] = np.sqrt(np.maximum(rest, 0.0))
        scale = np.where(root[:, j, j] > 0.0, root[:, j, j], np.inf)
        for i in range(j + 1, 6):
            root[:, i, j] = (covariance[:, i, j] - (root[:, i, :j] * root[:, j, :j]).sum(axis=1)) / scale
    return root


def _transformed(roots: Floats, points: Floats) -> Floats:
    """Each of (s, 6) points by its own of (s, 6, 6) lower roots."""
    out = np.zeros_like(points)
    for j in range(6):
        out[:, j:] += roots[:, j:, j] * points[:, j, None]
    return out
