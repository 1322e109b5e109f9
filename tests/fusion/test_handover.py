"""An alert is about an object: it stays one episode when the object's track breaks, and never takes in another's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import destination
from fusion.alerting.alerting import AlertMachine
from fusion.alerting.episodes import Ledger
from fusion.config import TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.tracking.motion import Motions
from fusion.types import COASTING, CONFIRMED, SECOND_NS, AlertStep, Outlook, Place

PLANE = Plane(Place(47.5, 19.0, 0.0))
MOTIONS = Motions.of(TrackerConfig(motions=("cruise",), agility_mps2=1.0, initial_climb_mps=0.5))
START_NS = 1_700_000_000 * SECOND_NS
LAT, LON = destination(47.5, 19.0, np.array([90.0]), 4000.0)
ZONE = ZoneConfig("airport", 0.0, 900.0, circle=(float(LON[0]), float(LAT[0]), 1000.0))


@dataclasses.dataclass
class Seen:
    """One track: metres east and north, m/s eastward; when it began and was seen last, s."""

    id: int
    east: float
    north: float = 0.0
    speed: float = 20.0
    status: int = CONFIRMED
    began_s: float = 0.0
    seen_s: float | None = None
    identity: str | None = None


def look(time_s: float, *tracks: Seen) -> Outlook:
    n = len(tracks)
    mean = np.zeros((n, 1, 6))
    for i, each in enumerate(tracks):
        mean[i, 0, :3] = PLANE.to_local(*PLANE.to_geodetic(np.array([each.east, each.north, 0.0]))[:2], 120.0)
        mean[i, 0, 3] = each.speed
    seen = [time_s if each.seen_s is None else each.seen_s for each in tracks]
    return Outlook(
        time_ns=START_NS + round(time_s * SECOND_NS),
        motions=MOTIONS.names,
        id=np.array([each.id for each in tracks], dtype=np.int64),
        status=np.array([each.status for each in tracks], dtype=np.int64),
        existence=np.full(n, 0.999),
        weight=np.ones((n, 1)),
        mean=mean,
        covariance=np.tile(np.diag([100.0, 100.0, 100.0, 1.0, 1.0, 0.25]), (n, 1, 1, 1)),
        updated_ns=np.array([START_NS + round(s * SECOND_NS) for s in seen], dtype=np.int64),
        created_ns=np.array([START_NS + round(each.began_s * SECOND_NS) for each in tracks], dtype=np.int64),
        hits=np.full(n, 9, dtype=np.int64),
        sensors=(("north",),) * n,
        identity=tuple(each.identity for each in tracks),
    )


class Line:
    """The machine and the ledger behind it, as the pipeline has them."""

    def __init__(self) -> None:
        airspace = Airspace([ZONE], PLANE)
        self.machine, self.ledger = AlertMachine(airspace, MOTIONS, PLANE), Ledger(airspace)

    def see(self, time_s: float, *tracks: Seen) -> list[AlertStep]:
        outlook = look(time_s, *tracks)
        self.machine.follow(outlook)
        return self.ledger.reconcile(outlook.time_ns, self.machine.evaluate(outlook))


def raised() -> tuple[Line, AlertStep]:
    """Track 7 flies east, is alerted, and was seen last at 9 s."""
    line = Line()
    steps = [step for second in range(10) for step in line.see(second, Seen(7, 20.0 * second))]
    return line, steps[0]


def test_an_ended_track_hands_its_episode_to_the_one_that_goes_on() -> None:
    line, first = raised()
    (ended,) = line.see(10)
    assert (ended.alert, ended.track_status, ended.state) == (first.alert, "ended", "updated")
    (taken,) = line.see(14, Seen(8, 280.0, began_s=11.0))
    assert (taken.alert, taken.track, taken.tracks, taken.state) == (first.alert, 8, (7, 8), "updated")
    later = [step for second in range(15, 40) for step in line.see(second, Seen(8, 20.0 * second, began_s=11.0))]
    assert {step.alert for step in later} == {first.alert}
    assert all(step.tracks == (7, 8) and step.state == "updated" for step in later)


def test_a_coasting_track_hands_over_and_raises_no_second_alert_while_it_is_not_seen() -> None:
    line, first = raised()
    old = [Seen(7, 20.0 * second, status=COASTING, seen_s=9.0) for second in range(40)]
    new = [Seen(8, 20.0 * second, began_s=11.0) for second in range(40)]
    steps = [step for second in range(14, 40) for step in line.see(second, old[second], new[second])]
    assert steps[0].track == 8
    assert {step.alert for step in steps} == {first.alert}


def test_a_coasting_track_that_is_seen_again_is_another_object_with_its_own_alert() -> None:
    line, first = raised()
    for second in range(14, 20):
        line.see(second, Seen(7, 20.0 * second, status=COASTING, seen_s=9.0), Seen(8, 20.0 * second, began_s=11.0))
    steps = [
        step
        for second in range(20, 90)
        for step in line.see(second, Seen(7, 20.0 * second, north_m(second)), Seen(8, 20.0 * second, began_s=11.0))
    ]
    assert {step.alert for step in steps if step.track == 8} == {first.alert}
    assert len({step.alert for step in steps}) == 2


def north_m(second: float) -> float:
    """Drifting apart, on into the zone."""
    return 10.0 * (second - 20.0)


def test_an_ended_track_hands_nothing_to_one_that_is_elsewhere() -> None:
    line, first = raised()
    steps = [step for second in range(10, 40) for step in line.see(second, Seen(8, 20.0 * second, 700.0, began_s=10.0))]
    assert [step.state for step in steps if step.alert == first.alert][-1] == "cleared"
    assert {step.tracks for step in steps if step.alert != first.alert} == {(8,)}


def test_the_same_transponder_address_hands_over_wherever_the_track_is() -> None:
    line = Line()
    for second in range(10):
        line.see(second, Seen(7, 20.0 * second, identity="4CA123"))
    (step,) = line.see(11, Seen(8, 220.0, 700.0, began_s=10.0, identity="4CA123"))
    assert (step.track, step.tracks) == (8, (7, 8))


def test_another_transponder_address_takes_nothing_over() -> None:
    line = Line()
    for second in range(10):
        line.see(second, Seen(7, 20.0 * second, identity="4CA123"))
    (step,) = line.see(11, Seen(8, 220.0, began_s=10.0, identity="4CA999"))
    assert (step.track, step.track_status) == (7, "ended")


def test_a_track_that_splits_off_raises_nothing_while_it_may_be_the_same_object() -> None:
    line, first = raised()
    steps = [
        step
        for second in range(10, 60)
        for step in line.see(second, Seen(7, 20.0 * second), Seen(8, 20.0 * second + 5.0, began_s=8.0))
    ]
    assert {step.alert for step in steps} == {first.alert}
    steps = [
        step
        for second in range(60, 80)
        for step in line.see(second, Seen(7, 20.0 * second), Seen(8, 20.0 * second + 5.0, began_s=8.0))
    ]
    assert {step.track for step in steps} == {7, 8}, "after a minute nobody has merged them: two objects"


def test_a_track_lost_inside_is_found_again_under_another_id() -> None:
    line = Line()
    first = next(step for second in range(3) for step in line.see(second, Seen(7, 4000.0 + 5.0 * second, speed=5.0)))
    (lost,) = line.see(3)
    assert lost.track_status == "lost inside"
    found = line.see(23, Seen(8, 4115.0, speed=5.0, began_s=15.0))[0]
    assert (found.alert, found.track_status, found.tracks) == (first.alert, "confirmed", (7, 8))


@pytest.mark.parametrize(("east_m", "same"), [(700.0, True), (1500.0, False)])
def test_an_alert_of_an_earlier_run_goes_on_where_its_object_can_be(east_m: float, same: bool) -> None:
    """It was at 180 m at 9 s; at 20 s it can be 500 + 1.5 x 20 x 11 = 830 m further: at 720, not at 1520 m."""
    before, first = raised()
    before.ledger.acknowledge(first.alert, "ann", "seen it", START_NS)
    after = Line()
    after.ledger.adopt(before.ledger.open())
    steps = [step for second in range(19, 40) for step in after.see(second, Seen(9, east_m + 20.0 * (second - 19)))]
    assert ({step.alert for step in steps} == {first.alert}) == same
    if same:
        assert (steps[0].tracks, steps[0].step) == ((7, 9), before.ledger.open()[0].step + 1)
        assert {step.acknowledged is not None for step in steps} == {True}
    else:
        assert {step.tracks for step in steps} == {(9,)}


def test_an_adopted_alert_waits_a_minute_from_the_first_evaluation() -> None:
    before, first = raised()
    after = Line()
    after.ledger.adopt(before.ledger.open())
    assert [step for second in range(1000, 1060) for step in after.see(second)] == []
    assert [each.alert for each in after.ledger.open()] == [first.alert]
    (gone,) = after.see(1060)
    assert (gone.state, gone.alert) == ("cleared", first.alert)
    assert gone.reason == "The service started anew and has not found the object of track 7 near airport again."
