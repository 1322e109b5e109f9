"""What a sensor can see and how surely: radar and infrared by the same laws, with their own constants."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.simulated.behaviour import Behaviour, Occlusion
from adapters.simulated.view import View, above_horizon, within, within_azimuth
from fusion.config import SensorConfig
from fusion.tracking.sensors import azimuth_width_deg
from fusion.types import Floats

FALSE_ALARM_PROBABILITY = 1e-6  # of one resolution cell: the usual threshold; sets how fast detection fades
HALF_POWER = 4.0 * math.log(2.0)  # a Gaussian beam of full width w at half power: exp(-4 ln 2 (x / w)²)


@dataclass(frozen=True, slots=True)
class Physics:
    """earth_factor: times the earth's radius, for the horizon. fading: signal falls with range to this power.

    passes: how often the beam's pattern counts, 2 for out and back.
    """

    earth_factor: float
    fading: float
    passes: int


# Refraction makes the earth 4/3 as large for radio (ITU-R P.310); an echo goes out and comes back: range⁻⁴.
RADAR = Physics(earth_factor=4.0 / 3.0, fading=4.0, passes=2)
# A transponder's reply goes one way: range⁻².
SECONDARY = Physics(earth_factor=4.0 / 3.0, fading=2.0, passes=1)
# An object's own heat, one way; it is bent too little to matter: the geometric horizon.
INFRARED = Physics(earth_factor=1.0, fading=2.0, passes=1)
# Another tracker, or a network of receivers: neither horizon nor fading.
POSITION = Physics(earth_factor=math.inf, fading=0.0, passes=0)


def physics_of(sensor: SensorConfig, behaviour: Behaviour) -> Physics:
    """The laws of a sensor of this kind, as its behaviour changes them."""
    if sensor.kind == "radar":
        return SECONDARY if behaviour.secondary else RADAR
    return INFRARED if sensor.kind == "infrared" else POSITION


def covered(view: View, sensor: SensorConfig) -> NDArray[np.bool_]:
    """Inside the box of the registered coverage."""
    box = sensor.coverage
    inside = within(view.range_m, box.range_m) & within(view.elevation_deg, box.elevation_deg)
    if box.azimuth_deg is not None:
        inside &= within_azimuth(view.azimuth_deg, box.azimuth_deg[0], azimuth_width_deg(box.azimuth_deg))
    for value, span in ((view.right_m, box.east_m), (view.forward_m, box.north_m), (view.up_m, box.up_m)):
        inside &= within(value, span)
    return inside


def in_sight(view: View, sensor: SensorConfig, behaviour: Behaviour, physics: Physics) -> NDArray[np.bool_]:
    """Inside the coverage and above the horizon; occlusions left aside."""
    inside = covered(view, sensor)
    if behaviour.horizon and math.isfinite(physics.earth_factor):
        inside &= above_horizon(view, behaviour.ground_m, physics.earth_factor)
    return inside


def occluded(view: View, occlusions: tuple[Occlusion, ...]) -> NDArray[np.bool_]:
    """Whether something stands before each object: (n,)."""
    hidden = np.zeros(view.range_m.shape, bool)
    for one in occlusions:
        direction = within_azimuth(view.azimuth_deg, one.azimuth_deg[0], azimuth_width_deg(one.azimuth_deg))
        hidden |= direction & (view.elevation_deg < one.below_deg) & (view.range_m > one.beyond_m)
    return hidden


def detection_probability(view: View, sensor: SensorConfig, behaviour: Behaviour, physics: Physics) -> Floats:
    """P(detected) of what is in sight, by range and elevation.

    A fluctuating target (Swerling 1; Skolnik 2008, section 2.6): P = Pfa ^ (1 / (1 + S)), with the
    signal-to-noise ratio S such that P is the registered one up to the reference range, in the beam's middle.
    """
    registered = sensor.detection_probability
    signal = np.full(view.range_m.shape, math.log(FALSE_ALARM_PROBABILITY) / math.log(registered) - 1.0)
    if behaviour.reference_range_m is not None:
        far = np.maximum(view.range_m / behaviour.reference_range_m, 1.0)
        signal *= far**-physics.fading
    if behaviour.beam is not None:
        aside = (view.elevation_deg - behaviour.beam.elevation_deg) / behaviour.beam.width_deg
        signal *= np.exp(-HALF_POWER * physics.passes * aside * aside)
    return np.asarray(FALSE_ALARM_PROBABILITY ** (1.0 / (1.0 + signal)))
