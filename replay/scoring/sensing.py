"""What each sensor saw of the objects, and how soon what it saw was shown: from recorded frames beside truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fusion.config import SiteConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import box
from fusion.types import AZIMUTH, COMPONENTS, ELEVATION, SECOND_NS, Floats, Frame, Ints
from replay.scoring.compared import Compared
from replay.scoring.consistency import chi_square
from replay.scoring.consistency import over_time as consistency_over_time
from replay.scoring.innovations import Innovations, innovations
from replay.scoring.measures import Latency, Residual, Sensors, SensorScore
from replay.scoring.results import Score
from replay.scoring.sighted import Looks, Sighted, sighted


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    looks: Looks
    seen: Sighted
    innovations: Innovations


def with_sensors(score: Score, compared: Compared, frames: tuple[Frame, ...], site: SiteConfig) -> Score:
    """The score with what takes frames: of sensors that `site` registers, within what is scored."""
    plane, options = Plane(site.service.origin), compared.options
    within = [frame for frame in frames if score.begin_ns <= frame.time_ns <= score.end_ns]
    each: list[_One] = []
    for sensor in site.sensor:
        looks = Looks.of(sensor, [frame for frame in within if frame.sensor == sensor.id], plane)
        if looks.frames:
            seen = sighted(looks, compared.objects, plane, options.max_gap_s)
            each.append(_One(looks, seen, innovations(compared, looks, seen, plane, site.tracker)))
    if not each:
        return score
    squared, dof, instant = (
        np.concatenate([getattr(one.innovations, name) for one in each]) for name in ("squared", "dof", "instant")
    )
    n = len(compared.times_ns)
    kept = instant < n  # the last detections come after the last instant
    mean, low, high = consistency_over_time(squared[kept], dof[kept], instant[kept], n)
    first, shown = _first_detections(compared, each), _first_shown(compared)
    found = Sensors(tuple(_sensor(one) for one in each), _latency(first, shown), chi_square(squared, dof))
    return replace(
        score,
        sensors=found,
        objects=tuple(
            replace(
                one,
                first_detection_ns=first.get(one.id),
                latency_s=_delay(first[one.id], shown[one.id]) if one.id in first and one.id in shown else None,
            )
            for one in score.objects
        ),
        over_time=replace(score.over_time, nis=mean, nis_low=low, nis_high=high),
    )


def _sensor(one: _One) -> SensorScore:
    looks, seen, sensor = one.looks, one.seen, one.looks.sensor
    times = 1 + max(int(seen.object.max(initial=0)), int(seen.opportunity[:, 1].max(initial=0)))
    hit = np.isin(seen.opportunity[:, 0] * times + seen.opportunity[:, 1], seen.look * times + seen.object)
    asked = ~seen.ignore
    return SensorScore(
        id=sensor.id,
        kind=sensor.kind,
        looks=len(looks.frames),
        detections=seen.detections,
        opportunities=len(hit),
        detected=int(hit.sum()),
        expected_ratio=sensor.detection_probability,
        false=seen.false,
        expected_false_per_look=sensor.false_alarms
        * float(np.mean([_share(looks, k) for k in range(len(looks.boxes))])),
        residuals=_residuals(looks, seen.residual[asked], seen.sigma[asked]),
        nis=chi_square(one.innovations.squared, one.innovations.dof),
    )


def _share(looks: Looks, k: int) -> float:
    """Which part of the coverage a look swept, as the product over its limits."""
    swept, whole, share = looks.boxes[k], box(looks.sensor.coverage, None), 1.0
    for code in np.flatnonzero(~np.isnan(whole[:, 0]) & ~np.isnan(swept[:, 0])).tolist():
        widths = [float(limits[code, 1] - (0.0 if code == AZIMUTH else limits[code, 0])) for limits in (swept, whole)]
        share *= widths[0] / widths[1] if widths[1] > 0.0 else 1.0
    return share


def _residuals(looks: Looks, residual: Floats, sigma: Floats) -> tuple[Residual, ...]:
    found = []
    for k, code in enumerate(looks.codes):
        known = ~np.isnan(residual[:, k])
        if known.any():
            unit = 180.0 / np.pi if code in (AZIMUTH, ELEVATION) else 1.0
            errors, told = unit * residual[known, k], unit * sigma[known, k]
            spread = float(np.sqrt(((errors - errors.mean()) ** 2).mean()))
            expected = float(np.sqrt((told * told).mean()))
            found.append(Residual(COMPONENTS[code], len(errors), float(errors.mean()), spread, expected))
    return tuple(found)


def _first_detections(compared: Compared, each: list[_One]) -> dict[str, int]:
    """The time of each object's first detection by any sensor."""
    number: Ints = np.concatenate([one.seen.object[~one.seen.ignore] for one in each])
    times: Ints = np.concatenate([one.seen.time_ns[~one.seen.ignore] for one in each])
    return _firsts(compared, number, times)


def _first_shown(compared: Compared) -> dict[str, int]:
    """The first instant at which each object holds a track."""
    return _firsts(compared, compared.held.object, compared.times_ns[compared.held.instant])


def _firsts(compared: Compared, number: Ints, times_ns: Ints) -> dict[str, int]:
    order = np.lexsort((times_ns, number))
    numbers, first = np.unique(number[order], return_index=True)
    names = [compared.objects[k].id for k in numbers.tolist()]
    return dict(zip(names, times_ns[order][first].tolist(), strict=True))


def _delay(first_ns: int, shown_ns: int) -> float:
    """Not below 0: a track may be there before the first detection that agrees with truth."""
    return max(shown_ns - first_ns, 0) / SECOND_NS


def _latency(first: dict[str, int], shown: dict[str, int]) -> Latency:
    delays = [_delay(time_ns, shown[name]) for name, time_ns in first.items() if name in shown]
    if not delays:
        return Latency(0, None, None, len(first))
    median, high = (float(np.percentile(delays, part)) for part in (50.0, 95.0))
    return Latency(len(delays), median, high, len(first) - len(delays))
