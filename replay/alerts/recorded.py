"""The alerts of a recorded run against its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fusion.config import ZoneConfig
from replay.alerts.judge import judge
from replay.alerts.model import Ownership, recorded_steps
from replay.alerts.score import AlertScore, pool
from replay.scoring.results import ScoreOptions
from replay.scoring.run import Run
from replay.scoring.truths import ObjectRows
from replay.scoring.volumes import with_activity


def score_alerts(
    run: Run, objects: tuple[ObjectRows, ...], owners: Ownership, span_ns: tuple[int, int], options: ScoreOptions
) -> AlertScore | None:
    """Alerts against entries of the run within a span. None where it holds no zones."""
    steps, zones = recorded_steps(run.alerts), with_activity(run.zones)
    if not zones:
        return None
    judged = replace(options.alerts, max_gap_s=options.max_gap_s)
    trackable = owners.first_ns() if run.trackable_ns is None else run.trackable_ns
    verdict = judge(
        objects,
        zones,
        steps,
        span_ns=span_ns,
        trackable_ns=trackable,
        owner=owners,
        may_enter=_may_enter(run, zones, owners),
        options=judged,
    )
    return pool([verdict], judged)


def _may_enter(run: Run, zones: Sequence[ZoneConfig], owners: Ownership) -> set[tuple[str, str]]:
    """Objects of which a track carried an identity that a zone lets in."""
    if not any(zone.ignore for zone in zones):
        return set()
    found = set()
    for picture in run.pictures:
        for track, identity in zip(picture.id.tolist(), picture.identity, strict=True):
            name = None if identity is None else owners(track, picture.time_ns)
            if name is not None:
                found |= {(name, zone.id) for zone in zones if identity in zone.ignore}
    return found
