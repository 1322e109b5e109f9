"""What operators ordered, and what outlives the air picture and the process: zone switches, suppressions."""

from __future__ import annotations

import logging
from typing import Final

from adapters.journal import JournalError
from adapters.wire import Message
from fusion.alerting.episodes import Suppression
from fusion.config import SiteConfig
from fusion.pipeline import Pipeline
from skypicket.serving.logbook import Logbook


class Standing:
    """Follows the orders in force, keeps them in the journal, and gives them to each new pipeline.

    An order about a zone that the site no longer has is dropped.
    """

    def __init__(self, site: SiteConfig, logbook: Logbook) -> None:
        self._logbook = logbook
        self._switched: dict[str, bool] = {}
        self._suppressions: list[Suppression] = []
        zones = {zone.id for zone in site.zones}
        for order in logbook.orders:
            zone = order.get("zone")
            if zone is not None and zone not in zones:
                _log.warning("zone %s is gone, and what was ordered about it: %s", zone, order)
            elif SWITCH in order:
                self._switched[str(zone)] = bool(order[SWITCH])
            else:
                self._suppressions.append(_suppression(order, logbook))

    def apply(self, pipeline: Pipeline) -> None:
        """Give a new pipeline what is in force."""
        for zone, active in self._switched.items():
            pipeline.airspace.set_active(zone, active)
        pipeline.ledger.restore(self._suppressions)

    def switch(self, pipeline: Pipeline, zone: str, active: bool) -> None:
        """Switch a zone on or off. Raises ConfigError for one that is not there."""
        pipeline.airspace.set_active(zone, active)
        self._switched[zone] = active
        self.follow(pipeline)

    def follow(self, pipeline: Pipeline) -> None:
        """Take over what is suppressed now, and keep what changed."""
        self._suppressions = list(pipeline.ledger.suppressions)
        orders: list[Message] = [{"zone": zone, SWITCH: active} for zone, active in self._switched.items()]
        orders += [dict(each.listed()) for each in self._suppressions]
        if orders != self._logbook.orders:
            self._logbook.keep(orders)


def _suppression(order: Message, logbook: Logbook) -> Suppression:
    try:
        return Suppression(**{"track": None, "zone": None, **order})
    except TypeError as error:
        raise JournalError(logbook.journal.file, f"holds an order that cannot be read: {error}") from None


SWITCH: Final = "active"  # the key that tells a switch from a suppression
_log = logging.getLogger(__name__)
