"""What the sampled paths say of each track and zone that may meet: the numbers on which alerts rest.

Cost follows need. An index gives the zones within reach. For all of these together a few ways of the track are drawn,
and zones dropped that too few of them come near to be likely. What is left gets some more paths that are followed
exactly; and only a pair that may still be likely, or whose alert is open, gets the full number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.geodesy import Plane, rotate
from fusion.prediction import paths, regimes
from fusion.prediction.reaches import Reaches
from fusion.prediction.samples import leading, normals
from fusion.tracking.motion import Motions
from fusion.types import COASTING, CONFIRMED, Floats, Ints, Outlook, Place

DOUBT: Final = 4.0  # standard errors: beyond them once in 30 000, and the next second asks again


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What one track will do to one zone, as far as the model knows, given that the track exists.

    row: of the outlook.  inside: its mean is in the active volume.  entry: of its sampled `fan`.
    """

    row: int
    zone: ZoneConfig
    volume: Volume
    inside: bool
    fan: paths.Fan
    entry: paths.Entry

    def nearest(self) -> tuple[float, float]:
        """Expected nearest approach: m, and s from now."""
        return paths.nearest(self.fan, self.volume, self.entry.times_s)


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a track is now, by the mean of its modes. velocity_mps: east, north, up, there."""

    position: Place
    velocity_mps: tuple[float, float, float]
    distance_m: float  # to the volume, 0 inside


class Forecaster:
    """Turns outlooks into forecasts. Keeps nothing between them."""

    def __init__(self, airspace: Airspace, motions: Motions, plane: Plane) -> None:
        self.airspace, self.motions, self.plane = airspace, motions, plane
        self._modes = regimes.ahead(motions)
        self._limits = np.array([zone.predicted_probability for zone in airspace.zones])

    def forecasts(self, outlook: Outlook, watched: Collection[tuple[int, int]]) -> list[Forecast]:
        """For pairs (row, zone) that may matter, in order: those in `watched`, and those that may be likely enough to
        raise.
        """
        rows, zones = self._near(outlook)
        near = set(zip(rows.tolist(), zones.tolist(), strict=True))
        pairs = sorted({*near, *watched})
        if not pairs:
            return []
        used = np.array(sorted({row for row, _ in pairs}))
        starts = paths.Starts.of(self.plane, outlook.weight[used], outlook.mean[used], outlook.covariance[used])
        place = {int(row): i for i, row in enumerate(used)}
        pairs = self._screened(pairs, watched, place, starts)
        fans: dict[tuple[int, float], paths.Fan] = {}
        found = []
        for row, i in pairs:
            zone, volume = self.airspace.zones[i], self.airspace.volumes[i]
            spans = self.airspace.spans(i, outlook.time_ns)
            if not spans or outlook.identity[row] in zone.ignore:
                continue
            fan = self._fan(outlook, row, zone.lookahead_s, fans)
            if (row, i) not in watched:
                glance = paths.chance(fan, volume, spans, paths.GLANCE)
                if glance < zone.predicted_probability - _doubt(zone.predicted_probability, paths.GLANCE):
                    continue
            inside = self.airspace.is_active(i, outlook.time_ns) and self._inside(outlook, row, volume)
            entry = paths.entry(fan, volume, spans, paths.GLANCE if inside else None)
            found.append(Forecast(row, zone, volume, inside, fan, entry))
        return found

    def _screened(
        self, pairs: list[tuple[int, int]], watched: Collection[tuple[int, int]], place: dict[int, int],
        starts: paths.Starts,
    ) -> list[tuple[int, int]]:  # fmt: skip
        """Without the pairs of which so few of a few ways come near the zone that it cannot be likely to be entered."""
        from fusion.kernels.screen import screen

        index, motions = self.airspace.nearby, self.motions
        rows, zones = np.array([place[row] for row, _ in pairs]), np.array([i for _, i in pairs])
        hits = np.empty(len(pairs), dtype=np.int64)
        screen(
            rows, zones, starts.share, starts.mean, starts.root, index.centres[zones] - starts.centre[rows],
            starts.turn, index.radii[zones], index.ahead[zones], leading(paths.FEW), normals(), motions.parameters,
            motions.prior, motions.rate_per_s, hits,
        )  # fmt: skip
        limits = self._limits[zones]
        likely = hits >= paths.FEW * (limits - _doubt(limits, paths.FEW))
        return [pair for pair, kept in zip(pairs, likely.tolist(), strict=True) if kept or pair in watched]

    def situation(self, outlook: Outlook, row: int, volume: Volume) -> Situation:
        mean = self._mean(outlook, row)
        lat, lon, height = (float(part) for part in self.plane.to_geodetic(mean[:3]))
        east, north, up = (float(part) for part in rotate(mean[3:], self.plane.local_axes(lat, lon)))
        distance = self._distance(outlook, row, volume)
        return Situation(Place(lat, lon, height), (east, north, up), distance)

    def _near(self, outlook: Outlook) -> tuple[Ints, Ints]:
        """Pairs of a track that may raise and a zone that it can reach."""
        rows = np.flatnonzero((outlook.status == CONFIRMED) | (outlook.status == COASTING))
        if not len(rows) or not self.airspace.zones:
            return rows[:0], rows[:0]
        weight, mean, covariance = outlook.weight[rows], outlook.mean[rows], outlook.covariance[rows]
        centres = (weight[..., None] * mean[..., :3]).sum(axis=1)
        heights, up = self.plane.to_geodetic(centres)[2], self.plane.up_at(centres)
        reach = Reaches.of(self.motions, up, weight, mean, covariance)
        tracks, zones = self.airspace.nearby.near(centres, heights, reach)
        return rows[tracks], zones

    def _fan(self, outlook: Outlook, row: int, horizon_s: float, fans: dict[tuple[int, float], paths.Fan]) -> paths.Fan:
        """The future of a track, one for all zones of one look-ahead."""
        key = row, horizon_s
        if key not in fans:
            up = self.plane.up_at(self._mean(outlook, row)[:3])
            track = outlook.weight[row], outlook.mean[row], outlook.covariance[row]
            fans[key] = paths.fan(self._modes, self.plane, *regimes.split(self.motions, up, *track), horizon_s)
        return fans[key]

    def _mean(self, outlook: Outlook, row: int) -> Floats:
        return np.asarray((outlook.weight[row][:, None] * outlook.mean[row]).sum(axis=0))

    def _on_map(self, outlook: Outlook, row: int, volume: Volume) -> tuple[Floats, Floats, Floats]:
        """Where the mean of a track is: x and y on the volume's map, and height, (1,) each."""
        lat, lon, height = self.plane.to_geodetic(self._mean(outlook, row)[None, :3])
        point = volume.on_map(lat, lon)
        return point[:, 0], point[:, 1], height

    def _inside(self, outlook: Outlook, row: int, volume: Volume) -> bool:
        return bool(volume.inside(*self._on_map(outlook, row, volume))[0])

    def _distance(self, outlook: Outlook, row: int, volume: Volume) -> float:
        return float(volume.distance(*self._on_map(outlook, row, volume))[1][0])


def _doubt(probability: Any, count: int) -> Any:
    """By how much the share of `count` paths may fall short of the true probability: `DOUBT` standard errors."""
    return DOUBT * np.sqrt(probability * (1.0 - probability) / count)
