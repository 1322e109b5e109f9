"""What an open alert says: of a track that is there, of one that has ended, of one that may enter now."""

from __future__ import annotations

from dataclasses import replace

from fusion.alerting import reasons
from fusion.alerting.handover import moments
from fusion.alerting.judging import HANDOVER_NS, chance
from fusion.alerting.states import CLEARED, CLEARING, LOST, Evidence
from fusion.alerting.watches import Assessment, Sighting, Watch
from fusion.config import AlertsConfig, ZoneConfig
from fusion.prediction.forecasts import Forecast, Situation
from fusion.types import ENDED, SECOND_NS, TRACK_STATUSES, Outlook

LOST_INSIDE = "lost inside"
FALLS = 0.5  # P(ballistic) from which an object is said to fall


def of_track(
    watch: Watch, outlook: Outlook, forecast: Forecast, situation: Situation, evidence: Evidence,
    diverted_ns: int | None, alerts: AlertsConfig,
) -> tuple[Assessment, Sighting]:  # fmt: skip
    """Of a track that is there, and where it is."""
    row, zone, entry = forecast.row, forecast.zone, forecast.entry
    inside, track = evidence is Evidence.INSIDE, int(outlook.id[forecast.row])
    probability = 1.0 if inside else chance(outlook, forecast)
    closest = (0.0, 0.0) if inside else forecast.nearest()
    account = reasons.Account(
        track=track,
        zone=zone,
        situation=situation,
        probability=probability,
        existence=float(outlook.existence[row]),
        sensors=outlook.sensors[row],
        age_s=(outlook.time_ns - int(outlook.updated_ns[row])) / SECOND_NS,
        time_ns=outlook.time_ns,
        heading_ns=watch.heading_ns,
        cause=watch.cause,
        diverted_ns=diverted_ns,
        falling=_falling(outlook, row),
    )
    if inside:
        reason = reasons.inside(account, entry.now)
    elif entry.time_s is None or watch.state in (CLEARING, CLEARED):
        reason = reasons.receding(
            account, alerts.clear_part * zone.predicted_probability, was_inside=watch.inside_ns > 0
        )
    else:
        reason = reasons.heading(account, entry.time_s)
    said = Assessment(
        zone=zone.id,
        track=track,
        tracks=(*watch.tracks, track),
        level=watch.level.value,
        cleared=watch.state is CLEARED,
        probability=probability,
        time_to_entry_s=(0.0, 0.0, 0.0) if inside else entry.time_s,
        entry=situation.position if inside else entry.place,
        closest_distance_m=closest[0],
        closest_time_s=closest[1],
        track_status=TRACK_STATUSES[int(outlook.status[row])],
        position=situation.position,
        velocity_mps=situation.velocity_mps,
        sensors=outlook.sensors[row],
        reason=reason,
    )
    last = Sighting(
        outlook.time_ns,
        int(outlook.updated_ns[row]),
        *moments(outlook, row),
        outlook.identity[row],
        situation.distance_m,
    )
    return said, last


def of_ended(watch: Watch, zone: ZoneConfig, time_ns: int) -> Assessment | None:
    """Of a track that has ended: where it was last. None where nothing had been said."""
    said, last = watch.said, watch.last
    if said is None or last is None:
        return None
    age_s = (time_ns - last.updated_ns) / SECOND_NS
    if watch.state is LOST:
        return _with(said, LOST_INSIDE, reasons.lost(said.track, zone, said.sensors, age_s))
    if said.track_status == LOST_INSIDE:
        return _with(said, LOST_INSIDE, reasons.lost_for_good(said.track, zone, age_s), cleared=True)
    cleared = watch.state is CLEARED
    waits_s = None if cleared else HANDOVER_NS / SECOND_NS
    reason = reasons.ended(said.track, zone, last.distance_m, said.sensors, age_s, waits_s)
    return _with(said, TRACK_STATUSES[ENDED], reason, cleared=cleared)


def of_allowed(watch: Watch, zone: ZoneConfig, identity: str | None) -> Assessment | None:
    """When its zone, or who its track is, no longer allows an alert. None where nothing had been said."""
    said = watch.said
    if said is None:
        return None
    if identity is not None and identity in zone.ignore:
        return _with(said, said.track_status, reasons.allowed(said.track, zone, identity), cleared=True)
    return _with(said, said.track_status, reasons.inactive(said.track, zone), cleared=True)


def _with(said: Assessment, track_status: str, reason: str, *, cleared: bool = False) -> Assessment:
    return replace(said, track_status=track_status, reason=reason, cleared=cleared)


def _falling(outlook: Outlook, row: int) -> float | None:
    """The probability that it falls, where it is likely."""
    if "ballistic" not in outlook.motions:
        return None
    probability = float(outlook.weight[row, outlook.motions.index("ballistic")])
    return probability if probability >= FALLS else None
