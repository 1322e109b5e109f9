"""What the sampled paths say of each track and zone that may meet: the numbers on which alerts rest.

Cost follows need: a track out of reach of every zone takes part in one array comparison, one in reach gets a few
paths, and only one of whose few paths some enter, or whose alert is open, gets the full number.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion import paths, regimes
from fusion.airspace import Airspace
from fusion.config import ZoneConfig
from fusion.geodesy import Plane, rotate
from fusion.motion import Motions
from fusion.types import COASTING, CONFIRMED, Floats, Outlook, Place
from fusion.volumes import Volume

ROUGH_IS_ENOUGH: Final = 0.1  # raising probability from which "none of the few paths enters" decides


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
        self._ahead = np.array([zone.lookahead_s for zone in airspace.zones])

    def forecasts(self, outlook: Outlook, watched: Collection[tuple[int, int]]) -> list[Forecast]:
        """For pairs (row, zone) that may matter, in order: those in `watched`, and those whose few paths enter."""
        fans: dict[tuple[int, float, int], paths.Fan] = {}
        found = []
        for row, i in sorted({*self._near(outlook), *watched}):
            zone, spans = self.airspace.zones[i], self.airspace.spans(i, outlook.time_ns)
            if not spans or outlook.identity[row] in zone.ignore:
                continue
            if (row, i) not in watched and zone.predicted_probability >= ROUGH_IS_ENOUGH:
                rough = self._fan(outlook, row, zone.lookahead_s, paths.ROUGH, fans)
                if paths.entry(rough, self.airspace.volumes[i], spans).probability == 0.0:
                    continue
            volume = self.airspace.volumes[i]
            inside = self.airspace.is_active(i, outlook.time_ns) and self._distance(outlook, row, volume) == 0.0
            fan = self._fan(outlook, row, zone.lookahead_s, paths.ROUGH if inside else paths.FULL, fans)
            entry = paths.entry(fan, volume, spans)
            found.append(Forecast(row, zone, volume, inside, fan, entry))
        return found

    def situation(self, outlook: Outlook, row: int, volume: Volume) -> Situation:
        mean = self._mean(outlook, row)
        lat, lon, height = (float(part) for part in self.plane.to_geodetic(mean[:3]))
        east, north, up = (float(part) for part in rotate(mean[3:], self.plane.local_axes(lat, lon)))
        distance = self._distance(outlook, row, volume)
        return Situation(Place(lat, lon, height), (east, north, up), distance)

    def _near(self, outlook: Outlook) -> list[tuple[int, int]]:
        """Pairs of a track that may raise and a zone that it can reach."""
        rows = np.flatnonzero((outlook.status == CONFIRMED) | (outlook.status == COASTING))
        if not len(rows) or not self.airspace.zones:
            return []
        tracks = outlook.weight[rows], outlook.mean[rows], outlook.covariance[rows]
        centres = (tracks[0][..., None] * tracks[1][..., :3]).sum(axis=1)
        heights, ups = self.plane.to_geodetic(centres)[2], self.plane.up_at(centres)
        pairs: list[tuple[int, int]] = []
        for horizon in np.unique(self._ahead):
            zones = np.flatnonzero(self._ahead == horizon)
            reaches = paths.reach(self.motions, *tracks, float(horizon))
            rises = paths.rise(self.motions, ups, *tracks, float(horizon))
            close = self.airspace.near(zones, centres, reaches, heights, rises)
            pairs += [(int(rows[row]), int(i)) for row, i in close]
        return pairs

    def _fan(
        self, outlook: Outlook, row: int, horizon_s: float, count: int, fans: dict[tuple[int, float, int], paths.Fan]
    ) -> paths.Fan:
        """The track's paths, drawn once for all zones of one look-ahead."""
        key = (row, horizon_s, count)
        if key not in fans:
            up = self.plane.up_at(self._mean(outlook, row)[:3])
            track = outlook.weight[row], outlook.mean[row], outlook.covariance[row]
            modes = regimes.split(self.motions, up, *track)
            fans[key] = paths.fan(self._modes, self.plane, *modes, horizon_s, count)
        return fans[key]

    def _mean(self, outlook: Outlook, row: int) -> Floats:
        return np.asarray((outlook.weight[row][:, None] * outlook.mean[row]).sum(axis=0))

    def _distance(self, outlook: Outlook, row: int, volume: Volume) -> float:
        lat, lon, height = self.plane.to_geodetic(self._mean(outlook, row)[None, :3])
        point = volume.on_map(lat, lon)
        return float(volume.distance(point[:, 0], point[:, 1], height)[1][0])
