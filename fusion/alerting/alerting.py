"""When a track is an alert for a zone: what may happen is one table, and what is remembered is one dict.

Each evaluation turns what the paths say into one word of evidence for each track and zone (`fusion.alerting.judging`),
and `fusion.alerting.states` turns state and evidence into the next state. `fusion.alerting.statements` says it in
words, and `fusion.alerting.episodes` turns what comes out into published steps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fusion.airspace.airspace import Airspace
from fusion.alerting import statements
from fusion.alerting.handover import handed_over, inherited, orphan, spoken_for
from fusion.alerting.judging import VOTES_KEPT, absence, chance, evidence, limit
from fusion.alerting.states import CLEARED, OPEN, QUIET, Evidence
from fusion.alerting.watches import Assessment, Pair, Watch, step
from fusion.config import AlertsConfig
from fusion.geodesy import Plane
from fusion.prediction.conduct import Conduct, Manoeuvre
from fusion.prediction.diversion import Diversions
from fusion.prediction.forecasts import Forecast, Forecaster
from fusion.tracking.motion import Motions
from fusion.types import COASTING, CONFIRMED, Ints, Outlook


class AlertMachine:
    """The state of every track and zone that have to do with each other, advanced by one outlook at a time."""

    def __init__(self, airspace: Airspace, motions: Motions, plane: Plane, alerts: AlertsConfig | None = None) -> None:
        self.airspace, self.motions = airspace, motions
        self.config = alerts or AlertsConfig()
        self.forecaster = Forecaster(airspace, motions, plane)
        self.conduct = Conduct(motions)
        self.diversions = Diversions(motions, plane, self.config.diverted_after_s)
        self.watches: dict[Pair, Watch] = {}  # a pair that is not here is quiet
        self.time_ns = -1  # of the last evaluation

    def copy(self) -> AlertMachine:
        """The same state, to be advanced on its own. The airspace, what was switched there too, is shared."""
        twin = AlertMachine.__new__(AlertMachine)
        twin.airspace, twin.motions, twin.config, twin.forecaster = (
            self.airspace, self.motions, self.config, self.forecaster,
        )  # fmt: skip
        twin.conduct, twin.diversions = self.conduct.copy(), self.diversions.copy()
        twin.watches, twin.time_ns = dict(self.watches), self.time_ns
        return twin

    def follow(self, outlook: Outlook) -> None:
        """Learn what the tracks do, apart from any zone: once for each outlook, before `evaluate`."""
        self.conduct.follow(outlook)
        self.diversions.follow(outlook)

    def evaluate(self, outlook: Outlook) -> list[Assessment]:
        """Advance to `outlook`. Returns what every open alert should say, and every one that clears now, in order of
        track and zone.
        """
        rows = {int(track): row for row, track in enumerate(outlook.id)}
        before = handed_over(self.watches, outlook, rows, self.motions) if self.watches else {}
        watched = [
            (rows[track], self.airspace.index(zone))
            for (track, zone), watch in before.items()
            if track in rows and watch.open
        ]
        found = self.forecaster.forecasts(outlook, frozenset(watched))
        forecasts = {(int(outlook.id[each.row]), each.zone.id): each for each in found}
        after = {
            pair: self._advance(pair, before.get(pair, Watch()), outlook, rows.get(pair[0]), forecasts.get(pair))
            for pair in sorted({**before, **forecasts})
        }
        self._unite(before, after, outlook, rows)
        self.watches = {pair: watch for pair, watch in after.items() if watch.state not in (QUIET, CLEARED)}
        self.time_ns = outlook.time_ns
        return [watch.said for watch in after.values() if watch.said is not None]

    def _unite(
        self, before: dict[Pair, Watch], after: dict[Pair, Watch], outlook: Outlook, rows: dict[int, int]
    ) -> None:
        """One object, one alert: who was raised just now goes on with the alert of its object, or keeps quiet."""
        for pair in [each for each, watch in after.items() if watch.open and not before.get(each, Watch()).open]:
            other = orphan(pair, before, outlook, rows, self.motions)
            if other is not None and other in after:
                del after[other]
                after[pair] = inherited(after[pair], before[other], other[0], outlook.time_ns)
            elif spoken_for(pair, before, outlook, rows[pair[0]]):
                del after[pair]

    def diverted_ns(self, ids: Ints) -> tuple[int | None, ...]:
        """When each of (n,) tracks last left the path predicted for it, or None."""
        return self.diversions.times(ids)

    def _advance(self, pair: Pair, watch: Watch, outlook: Outlook, row: int | None, forecast: Forecast | None) -> Watch:
        """The next watch of one pair."""
        i, now_ns = self.airspace.index(pair[1]), outlook.time_ns
        zone = self.airspace.zones[i]
        if row is None:
            after = step(watch, absence(watch, now_ns, self.time_ns, self.config), now_ns)
            return replace(after, said=statements.of_ended(after, zone, now_ns)) if after.open or watch.open else after
        if self._barred(i, watch, outlook, row):
            after = step(watch, Evidence.BARRED, now_ns)
            return replace(after, said=statements.of_allowed(after, zone, outlook.identity[row]))
        likely = forecast is not None and chance(outlook, forecast) >= limit(watch, zone, self.config.clear_part)
        heading_ns, cause = self._heading(pair[0], watch, now_ns) if likely else (0, None)
        votes = (*watch.votes, likely)[-VOTES_KEPT:] if outlook.updated_ns[row] > self.time_ns else watch.votes
        watch = replace(watch, votes=votes, heading_ns=heading_ns, cause=cause)
        word = evidence(watch, outlook, forecast, likely, self.config)
        after = step(watch, word, now_ns)
        if forecast is None or after.state not in (*OPEN, CLEARED):
            return after
        return self._speaking(after, outlook, forecast, word)

    def _heading(self, track: int, watch: Watch, now_ns: int) -> tuple[int, Manoeuvre | None]:
        """Since when it heads there, and the manoeuvre before that, as it is known by now."""
        last, cause = self.conduct.last(track), watch.cause
        same = last is not None and cause is not None and last.began_ns == cause.began_ns
        return watch.heading_ns or now_ns, last if same or not watch.heading_ns else cause

    def _barred(self, i: int, watch: Watch, outlook: Outlook, row: int) -> bool:
        """Whether there is nothing to warn of: the zone sleeps, the object may enter, or the track is not confirmed."""
        if not self.airspace.spans(i, outlook.time_ns) or outlook.identity[row] in self.airspace.zones[i].ignore:
            return True
        return not watch.open and outlook.status[row] not in (CONFIRMED, COASTING)

    def _speaking(self, watch: Watch, outlook: Outlook, forecast: Forecast, word: Evidence) -> Watch:
        """The watch, with what its alert says now of a track that is there."""
        track = int(outlook.id[forecast.row])
        said, last = statements.of_track(
            watch, outlook, forecast, self.forecaster.situation(outlook, forecast.row, forecast.volume), word,
            self.diversions.times(np.array([track]))[0], self.config,
        )  # fmt: skip
        return replace(watch, said=said, last=last)

    def probe(self, outlook: Outlook, track: int, zone: str) -> tuple[Forecast | None, bool]:
        """The forecast of one live track and zone, however far apart they are; changes nothing.

        None where nothing is computed: the track is not there, the zone sleeps, or the object may enter it. The second
        value: whether the pair is in reach, so that `evaluate` looks at it though no alert is open. ConfigError for an
        unknown zone.
        """
        i = self.airspace.index(zone)
        rows = np.flatnonzero(outlook.id == track)
        if not len(rows):
            return None, False
        alone = _alone(outlook, int(rows[0]))
        found = [each for each in self.forecaster.forecasts(alone, frozenset([(0, i)])) if each.zone.id == zone]
        reached = any(each.zone.id == zone for each in self.forecaster.forecasts(alone, frozenset()))
        return found[0] if found else None, reached


def _alone(outlook: Outlook, row: int) -> Outlook:
    """The outlook of one track."""
    kept = slice(row, row + 1)
    return Outlook(
        outlook.time_ns, outlook.motions, outlook.id[kept], outlook.status[kept], outlook.existence[kept],
        outlook.weight[kept], outlook.mean[kept], outlook.covariance[kept], outlook.updated_ns[kept],
        outlook.created_ns[kept], outlook.hits[kept], outlook.sensors[kept], outlook.identity[kept],
    )  # fmt: skip
