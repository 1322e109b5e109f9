"""From numbers to one word of evidence: the thresholds of alerting, each way of them, in one place."""

from __future__ import annotations

from typing import Final

from fusion.alerting.states import CLEARING, IMMINENT, INFRINGING, LOST, Evidence
from fusion.alerting.watches import Watch, waits
from fusion.config import AlertsConfig, ZoneConfig
from fusion.prediction.forecasts import Forecast
from fusion.types import SECOND_NS, Outlook

VOTES_NEEDED, VOTES_KEPT = 2, 4  # evaluations with new detections that agree: one wild update raises nothing
IMMINENT_SLACK: Final = 1.2  # an imminent alert stays so until the time to entry is longer by this factor
INSIDE: Final = 0.5  # P(inside now) from which a track counts as inside ...
STILL_INSIDE: Final = 0.3  # ... and down to which it stays so
HANDOVER_NS: Final = 15 * SECOND_NS  # for which an alert waits for another track of its object: three looks of a radar


def evidence(watch: Watch, outlook: Outlook, forecast: Forecast | None, likely: bool, alerts: AlertsConfig) -> Evidence:
    """Of a track that is there and a zone that it may threaten, hysteresis included. forecast: None out of reach."""
    if forecast is not None and is_inside(watch, forecast):
        return Evidence.INSIDE
    if likely and forecast is not None and is_near(watch, forecast):
        return Evidence.NEAR
    if watch.open:
        lasted_ns = outlook.time_ns - watch.since_ns
        expired = watch.state is CLEARING and lasted_ns >= round(alerts.hold_s * SECOND_NS)
        return Evidence.LIKELY if likely else Evidence.EXPIRED if expired else Evidence.UNLIKELY
    votes = watch.votes.count(True)
    if likely and votes >= VOTES_NEEDED:
        return Evidence.CONFIRMED
    return Evidence.LIKELY if votes else Evidence.UNLIKELY


def absence(watch: Watch, time_ns: int, evaluated_ns: int, alerts: AlertsConfig) -> Evidence:
    """Of a track that has ended. evaluated_ns: the evaluation before."""
    lasted_ns = time_ns - watch.since_ns
    if watch.state is LOST:
        return Evidence.EXPIRED if lasted_ns >= round(alerts.lost_inside_s * SECOND_NS) else Evidence.ENDED_INSIDE
    if waits(watch):
        return Evidence.EXPIRED if lasted_ns >= HANDOVER_NS else Evidence.ENDED
    was_inside = watch.state is INFRINGING and watch.backed_ns == evaluated_ns
    return Evidence.ENDED_INSIDE if was_inside else Evidence.ENDED


def chance(outlook: Outlook, forecast: Forecast) -> float:
    """That the track exists and enters."""
    return float(outlook.existence[forecast.row]) * forecast.entry.probability


def limit(watch: Watch, zone: ZoneConfig, clear_part: float) -> float:
    """The probability that raises an alert, or that keeps an open one."""
    return zone.predicted_probability * (clear_part if watch.open else 1.0)


def is_inside(watch: Watch, forecast: Forecast) -> bool:
    """Whether the track counts as inside: its mean is, or enough of its density; less will do once it was."""
    still = watch.state is INFRINGING
    return forecast.inside or forecast.entry.now >= (STILL_INSIDE if still else INSIDE)


def is_near(watch: Watch, forecast: Forecast) -> bool:
    """Whether the median time to entry makes a likely entry an imminent one."""
    if forecast.entry.time_s is None:
        return False
    already = watch.open and watch.level in (IMMINENT, INFRINGING)
    return forecast.entry.time_s[1] <= forecast.zone.imminent_s * (IMMINENT_SLACK if already else 1.0)
