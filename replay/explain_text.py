"""An explanation in words and as plain data."""

from __future__ import annotations

from typing import Any

from fusion.alerting.judging import VOTES_KEPT, VOTES_NEEDED
from fusion.alerting.reasons import distance
from replay.explain import Explanation, Moment
from replay.text import number, utc


def as_text(found: Explanation) -> str:
    """A line for each evaluation at which something changed, and why in a sentence at the end."""
    zone, routine = found.zone, sum(step.state == "updated" and step.previous_level is None for step in found.steps)
    lines = [
        f"Track {found.track} and {zone.name or zone.id}: raised from probability {zone.predicted_probability:g} of "
        f"entering within {zone.lookahead_s:g} s on.",
        "",
    ]
    before: Moment | None = None
    reached = False
    for moment in found.moments:
        words = _changes(before, moment)
        if moment.reached and not reached:
            words.insert(0, "in reach: a sampled path comes in")
            reached = True
        if words:
            lines += [f"{utc(moment.time_ns)}  {_where(moment)}", *(f"    {word}" for word in words)]
        before = moment
    if routine:
        lines += ["", f"{routine} updates without a change of level are left out; --json has them."]
    return "\n".join([*lines, "", summary(found)]) + "\n"


def as_dict(found: Explanation) -> dict[str, Any]:
    """Everything, as JSON knows it."""
    return {
        "track": found.track,
        "zone": found.zone.id,
        "summary": summary(found),
        "entries_ns": list(found.entries_ns),
        "moments": [_data(moment) for moment in found.moments],
    }


def summary(found: Explanation) -> str:
    """Why there was an alert, or why not."""
    raised = [step for step in found.steps if step.state == "raised"]
    came = f" By truth its object entered at {', '.join(map(utc, found.entries_ns))}." if found.entries_ns else ""
    if found.steps:
        first = raised[0] if raised else found.steps[0]
        cleared = [step for step in found.steps if step.state == "cleared"]
        end = f"cleared at {utc(cleared[-1].time_ns)}" if cleared else "open at the end"
        return f"There was an alert: {first.state} at {utc(first.time_ns)}, {end}. {first.reason}{came}"
    return f"There was no alert: {_why_not(found)}.{came}"


def _why_not(found: Explanation) -> str:
    """The first of the conditions of an alert that was never met."""
    told = [moment for moment in found.moments if moment.status != "ended"]
    able = [moment for moment in told if moment.may_raise]
    if not able:
        return "the track was never confirmed"
    if not any(moment.awake for moment in able):
        return "the zone was not active, nor about to be, while the track was there"
    if all(moment.may_enter for moment in able):
        return "the track's identity may enter the zone"
    if not any(moment.reached for moment in able):
        least = min(moment.distance_m for moment in able if moment.distance_m is not None)
        return f"no sampled path of the track came into the zone at any time; it was at least {distance(least)} away"
    known = [(moment.probability, moment) for moment in able if moment.probability is not None]
    high, best = max(known, key=lambda pair: pair[0])
    likely = sum(probability >= moment.least for probability, moment in known)
    where = f"{utc(best.time_ns)}{'' if best.distance_m is None else ', ' + distance(best.distance_m) + ' away'}"
    if not likely:
        return f"the probability of entering never reached {best.least:.2f}; its highest was {high:.2f} at {where}"
    return (
        f"the probability of entering was {best.least:.2f} or more at {likely} of {len(known)} evaluations (highest "
        f"{high:.2f} at {where}), and never in {VOTES_NEEDED} of the last {VOTES_KEPT} that had new detections"
    )


def _where(moment: Moment) -> str:
    if moment.status == "ended":
        return "the track has ended"
    away = "" if moment.distance_m is None else f", {distance(moment.distance_m)} away"
    chance = "no forecast" if moment.probability is None else f"probability {moment.probability:.2f}"
    time = "" if moment.time_s is None else f", entry in {moment.time_s[1]:.0f} s"
    return f"{moment.status} (existence {moment.existence:.2f}){away}: {chance}{time}"


def _changes(before: Moment | None, now: Moment) -> list[str]:
    words = []
    if before is None:
        words.append(
            "first evaluation of this track" + ("" if now.reached else ", out of reach: no sampled path comes in")
        )
    elif before.status != now.status:
        words.append(f"the track was {before.status} and is {now.status}")
    if now.status != "ended":
        words += _standing(before, now)
        if (before is None or before.state != now.state) and not (before is None and now.state == "quiet"):
            state = "cleared" if any(step.state == "cleared" for step in now.said) else now.state
            words.append(f"{'quiet' if before is None else before.state} -> {state}: {_weighed(now)}")
    elif before is not None and before.state != now.state:
        words.append(f"{before.state} -> {now.state}")
    news = [step for step in now.said if step.state != "updated" or step.previous_level is not None]
    return words + [f"published: {step.state} {step.level}. {step.reason}" for step in news]


def _standing(before: Moment | None, now: Moment) -> list[str]:
    """What keeps the machine from looking at the pair, where that changed."""
    told = [
        (now.awake, None if before is None else before.awake, "the zone is active or soon will be", "the zone sleeps"),
        (not now.may_enter, None if before is None else not before.may_enter, "", "its identity may enter the zone"),
    ]
    return [yes if new else no for new, old, yes, no in told if new != old and (yes if new else no)]


def _weighed(now: Moment) -> str:
    if now.probability is None:
        return "nothing to weigh"
    sign = "at least" if now.probability >= now.least else "below"
    votes = f"; likely in {sum(now.votes)} of the last {len(now.votes)} evaluations with new detections"
    return f"probability {now.probability:.2f} is {sign} {number(now.least, 2)}{votes if now.votes else ''}"


def _data(moment: Moment) -> dict[str, Any]:
    return {
        "time_ns": moment.time_ns,
        "status": moment.status,
        "existence": moment.existence,
        "probability": moment.probability,
        "time_to_entry_s": None
        if moment.time_s is None
        else dict(zip(("p10", "p50", "p90"), moment.time_s, strict=True)),
        "distance_m": moment.distance_m,
        "least": moment.least,
        "votes": list(moment.votes),
        "state": moment.state,
        "detected": moment.detected,
        "reached": moment.reached,
        "awake": moment.awake,
        "may_enter": moment.may_enter,
        "published": [
            {"alert": step.alert, "step": step.step, "level": step.level, "state": step.state, "reason": step.reason}
            for step in moment.said
        ],
    }
