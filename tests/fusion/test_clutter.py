"""The map of false alarms: it learns where they come from, stays even where they are even, and absorbs no track."""

import math
from dataclasses import replace

import numpy as np
import pytest
from worlds import frame, radar, site

from fusion.geodesy import Plane
from fusion.tracking.clutter import BELIEFS, MERIT, Clutter
from fusion.tracking.sensors import Station
from fusion.tracking.tracker import Tracker
from fusion.types import CONFIRMED

FALSE_ALARMS = 20.0
EVERYWHERE = ((500.0, 80_000.0), (0.0, 2.0 * math.pi))
SHORE = ((20_000.0, 25_000.0), (1.0, 1.4))


def station():
    config = replace(radar(), false_alarms=FALSE_ALARMS)
    world = site(config)
    return Station.of(0, config, world.tracker, Plane(world.service.origin))


def drawn(rng, count, area):
    (near, far), (first, last) = area
    elevation = rng.uniform(0.0, 0.5, count)
    return np.stack([rng.uniform(near, far, count), rng.uniform(first, last, count), elevation], axis=1)


def learnt(areas, sweeps=60, seed=1):
    """A map after so many sweeps, each with Poisson counts of these means in these areas."""
    rng, here = np.random.default_rng(seed), station()
    clutter, plane = Clutter(here), Plane(site().service.origin)
    for k in range(sweeps):
        values = np.concatenate([drawn(rng, rng.poisson(mean), area) for mean, area in areas])
        look = here.look(frame(here.config, values, at_s=4.0 * k, seq=k), plane)
        clutter.learn(look, np.ones(len(values)))
    return clutter


def density(clutter, area, seed=2):
    return clutter.factor(drawn(np.random.default_rng(seed), 500, area)).mean()


def test_even_false_alarms_leave_an_even_map():
    clutter = learnt([(FALSE_ALARMS, EVERYWHERE)])
    found = clutter.factor(drawn(np.random.default_rng(2), 2000, EVERYWHERE))
    assert found.mean() == pytest.approx(1.0, abs=0.1)
    assert found.std() < 0.15


def test_a_registered_mean_that_is_wrong_is_corrected():
    assert density(learnt([(3.0 * FALSE_ALARMS, EVERYWHERE)]), EVERYWHERE) == pytest.approx(3.0 * 60 / 70, rel=0.1)


def test_a_shore_is_found_and_the_rest_stays_quiet():
    """Half of all false alarms from a 400th of the coverage: their density there is some 200 times the mean's."""
    clutter = learnt([(10.0, EVERYWHERE), (10.0, SHORE)])
    assert density(clutter, SHORE) > 20.0  # its cells are larger than it
    assert density(clutter, ((20_000.0, 25_000.0), (3.0, 5.0))) < 1.0


def test_a_detection_without_azimuth_changes_nothing_and_keeps_the_registered_density():
    clutter = learnt([(FALSE_ALARMS, EVERYWHERE)])
    assert clutter.factor(np.array([[5000.0, math.nan, 0.1]]))[0] == 1.0


def test_a_copy_learns_alone():
    clutter = learnt([(FALSE_ALARMS, EVERYWHERE)], sweeps=5)
    other, here = clutter.copy(), station()
    before = density(clutter, SHORE)
    values = drawn(np.random.default_rng(3), 50, SHORE)
    other.learn(here.look(frame(here.config, values, at_s=30.0, seq=9), Plane(site().service.origin)), np.ones(50))
    assert density(clutter, SHORE) == before
    assert density(other, SHORE) > before


def test_the_map_is_the_posterior_mean_of_a_gamma_under_one_belief():
    """By hand: one cell, 3 sweeps with 2 false alarms each; every belief gives (mean × b + 6) / (b + 3)."""
    clutter, here, plane = Clutter(station()), station(), Plane(site().service.origin)
    row = np.array([[22_000.0, 1.2, 0.1]])
    registered = FALSE_ALARMS / 256.0
    merit = MERIT.copy()
    seen = swept = total = 0.0
    for k in range(3):
        mean = (registered * 10.0 + total / 256.0) / (10.0 + swept)
        rate = (mean * BELIEFS + seen) / (BELIEFS + swept)
        merit *= math.exp(-4.0 / 600.0) if k else 1.0
        merit += 2.0 * np.log(rate / registered) - rate - 255.0 * mean * BELIEFS / (BELIEFS + swept)
        fade = math.exp(-4.0 / 600.0) if k else 1.0
        seen, swept, total = seen * fade + 2.0, swept * fade + 1.0, total * fade + 2.0
        clutter.learn(here.look(frame(here.config, np.repeat(row, 2, 0), at_s=4.0 * k, seq=k), plane), np.ones(2))
    weight = np.exp(merit - merit.max())
    mean = (registered * 10.0 + total / 256.0) / (10.0 + swept)
    expected = (weight / weight.sum() * (mean * BELIEFS + seen) / (BELIEFS + swept)).sum() / registered
    assert clutter.factor(row)[0] == pytest.approx(expected, rel=1e-9)


def test_a_drone_that_hovers_is_not_absorbed():
    """It flies in, stops, and hovers for ten minutes among false alarms from the same place."""
    world = site(replace(radar(), false_alarms=FALSE_ALARMS))
    tracker, rng = Tracker(world), np.random.default_rng(4)
    sensor = world.sensor[0]
    for k in range(200):
        away = 20_000.0 + max(0.0, 10.0 - k) * 200.0
        shore = drawn(rng, rng.poisson(2.0), ((19_500.0, 22_500.0), (0.9, 1.1)))
        drone = np.array([[away + rng.normal(0.0, 30.0), 1.0 + rng.normal(0.0, 0.0017), 0.05]])
        tracker.step(frame(sensor, np.concatenate([drone, shore]), at_s=4.0 * k, seq=k))
        if k == 20:
            held = tracker.store.id[: tracker.store.size][tracker.store.status[: tracker.store.size] == CONFIRMED]
    assert len(held) == 1
    assert held[0] in tracker.store.id[: tracker.store.size]
