"""The alert decisions again from forecasts that are kept, with other thresholds: seconds instead of tracking anew.

It is the core's own machine (`fusion.alerting.alerting`) that decides; only its forecaster reads what was forecast
before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from fusion.airspace.airspace import Airspace
from fusion.alerting.alerting import AlertMachine
from fusion.alerting.episodes import Ledger
from fusion.alerting.judging import INSIDE
from fusion.config import AlertsConfig
from fusion.geodesy import Plane
from fusion.prediction.forecasts import Forecast, Forecaster
from fusion.tracking.motion import Motions
from fusion.types import SECOND_NS, AlertStep, Outlook
from replay.alerts.model import Step
from replay.encounters.layout import ORIGIN, lay_out
from replay.encounters.tracking import TRIANGLE, Record, Rows

NO_FAN: Final = (0.0, 0.0)  # the nearest approach is not kept: no decision rests on it


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What may be chosen; None: as the encounter has it."""

    probability: float | None = None
    imminent_s: float | None = None
    alerts: AlertsConfig | None = None


class Remembered(Forecaster):
    """A forecaster that says what another one said."""

    def __init__(self, real: Forecaster, rows: Rows) -> None:
        super().__init__(real.airspace, real.motions, real.plane)
        self._rows = rows
        self.begin = self.end = 0  # the rows of this instant

    def forecasts(self, outlook: Outlook, watched: Collection[tuple[int, int]]) -> list[Forecast]:
        """What was said of the tracks of this outlook."""
        found: list[Any] = []
        for row, kept in enumerate(self._rows[self.begin : self.end]):
            time_s = None if np.isnan(kept["p50"]) else (float(kept["p10"]), float(kept["p50"]), float(kept["p90"]))
            entry = SimpleNamespace(probability=float(kept["entry"]), now=float(kept["now"]), time_s=time_s, place=None)
            volume, zone = self.airspace.volumes[0], self.airspace.zones[0]
            found.append(
                SimpleNamespace(
                    row=row, zone=zone, volume=volume, inside=bool(kept["inside"]), entry=entry, nearest=lambda: NO_FAN
                )
            )
        return found


def again(seed: int, record: Record, chosen: Thresholds) -> list[Step]:
    """The steps that the alerts of one encounter would have had."""
    site = lay_out(seed, record.number).site
    zone = site.zones[0]
    probability = zone.predicted_probability if chosen.probability is None else chosen.probability
    imminent = zone.imminent_s if chosen.imminent_s is None else chosen.imminent_s
    zone = replace(zone, predicted_probability=probability, imminent_s=imminent)
    plane = Plane(ORIGIN)
    airspace = Airspace((zone,), plane)
    machine = AlertMachine(airspace, Motions.of(site.tracker), plane, chosen.alerts or site.alerts)
    remembered = Remembered(machine.forecaster, record.rows)
    machine.forecaster = remembered
    ledger, steps, times = Ledger(airspace), [], record.rows["time_ns"]
    may = record.rows["existence"] * record.rows["entry"] >= probability
    may |= record.rows["inside"] | (record.rows["now"] >= INSIDE)
    instants = np.arange(record.span_ns[0], record.span_ns[1] + 1, SECOND_NS)
    edges = np.searchsorted(times, np.append(instants, record.span_ns[1] + 1))
    for now_ns, begin, end in zip(instants.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        remembered.begin, remembered.end = begin, end
        if not machine.watches and not may[begin:end].any():
            machine.time_ns = now_ns
            continue
        said: list[AlertStep] = ledger.reconcile(now_ns, machine.evaluate(_outlook(record.rows[begin:end], now_ns)))
        steps += [Step.of(each) for each in said]
    return steps


def _outlook(rows: Rows, now_ns: int) -> Outlook:
    """The tracks of one instant, one mode each."""
    n = len(rows)
    covariance = np.zeros((n, 1, 6, 6))
    covariance[:, 0, TRIANGLE[0], TRIANGLE[1]] = rows["spread"]
    covariance[:, 0, TRIANGLE[1], TRIANGLE[0]] = rows["spread"]
    nothing: tuple[None, ...] = (None,) * n
    return Outlook(
        now_ns, ("cruise",), rows["track"], rows["status"].astype(np.int64), rows["existence"], np.ones((n, 1)),
        rows["mean"].astype(np.float64)[:, None], covariance, rows["updated_ns"], rows["created_ns"],
        rows["hits"].astype(np.int64), ((),) * n, nothing,
    )  # fmt: skip
