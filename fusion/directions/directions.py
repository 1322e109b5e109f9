"""New objects of which a direction is all that is known: one Bernoulli, and a mixture over its range.

The line of sight is cut into parts that end at a fixed multiple of the range at which they begin, each one Gaussian
with the part's mean and standard deviation (Peach 1995, "Bearings-only tracking using a set of range-parameterised
extended Kalman filters", section 3): all parts are as long for their range, so a direction bends as little over each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fusion.tracking.arrivals import Arrivals
from fusion.tracking.births import Births
from fusion.tracking.engine import Engine, Setting
from fusion.tracking.sensors import Look
from fusion.tracking.undetected import Undetected
from fusion.types import RANGE, Floats

PART_RATIO = 1.7  # a part's end over its beginning: a Gaussian with sigma = 0.15 of the range
NEAREST_SHARE = 1e-3  # of the longest range: nearer, an object is past before a mixture could tell
FREE_SHARE = 0.5  # of the mixture that is uniform in the logarithm of range, whatever was looked at before
MOST_DETECTIONS = 1000  # of a frame that may begin lines, the first ones: a frame of noise must not fill the memory


@dataclass(frozen=True, slots=True, eq=False)
class LineBirths(Births):
    """Births whose mean and covariance are those of a mixture over h hypotheses of range; spread: objects by unit of
    the measured directions.

    share: (b, h), rows sum to 1.  part_mean: (b, h, 6), part_covariance: (b, h, 6, 6).
    """

    share: Floats
    part_mean: Floats
    part_covariance: Floats


def parts(look: Look) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and length, m, of the parts of a line of sight within the swept ranges: (h,) each."""
    low, high = look.box[RANGE].tolist()
    low = max(low, NEAREST_SHARE * high)
    count = max(math.ceil(math.log(high / low) / math.log(PART_RATIO)), 1)
    ends = np.array([low * math.exp(math.log(high / low) * k / count) for k in range(count + 1)])
    return 0.5 * (ends[1:] + ends[:-1]), (ends[1:] - ends[:-1]) / math.sqrt(12.0), ends[1:] - ends[:-1]


def line_births(engine: Engine, setting: Setting, look: Look, undetected: Undetected) -> LineBirths:
    """One possible new object for each detection of a sensor without range that has an azimuth.

    Each part is what a detection with that range would begin, so height and climb have their priors. It weighs as
    the undetected objects in it do, ∫ D(r) f(z | r) dr, mixed with the same likelihood over 1/r: an object that is
    near is seen better than the registered detection probability says.
    """
    from fusion.kernels.blend import blend

    frame, n = look.frame, min(len(look.frame.values), MOST_DETECTIONS)
    middle, sigma, length = parts(look)
    h = len(middle)
    values, sigmas = (np.repeat(column[:n], h, axis=0) for column in (frame.values, frame.sigmas))
    ranged = replace(
        frame, values=np.column_stack([np.tile(middle, n), values]),
        sigmas=np.column_stack([np.tile(sigma, n), sigmas]), times_ns=np.repeat(frame.times_ns[:n], h), identity=None,
        snr_db=None,
    )  # fmt: skip
    station = replace(look.station, codes=np.concatenate([[RANGE], look.station.codes]))
    each = engine.births(setting, station, ranged, look.placement)
    b = len(each.rows) // h
    told = each.spread.reshape(b, h) * length  # of the detection, by unit of intensity
    known = told * undetected.density(each.mean[:, :3]).reshape(b, h)
    free = told / middle**2  # intensity in plan goes with r dr; this takes 1/r² of it
    total, free_total = known.sum(axis=1), free.sum(axis=1)
    share = (1.0 - FREE_SHARE) * known / np.maximum(total, 1e-300)[:, None]
    share += FREE_SHARE * free / np.maximum(free_total, 1e-300)[:, None]
    share /= np.maximum(share.sum(axis=1), 1e-300)[:, None]
    mean, covariance, weight = np.empty((b, 1, 6)), np.empty((b, 1, 6, 6)), np.empty((b, 1))
    blend(
        np.arange(b + 1) * h, share.reshape(-1, 1), each.mean[:, None], each.covariance[:, None], weight, mean,
        covariance,
    )  # fmt: skip
    return LineBirths(
        each.rows[::h] // h, mean[:, 0], covariance[:, 0], total, share, each.mean.reshape(b, h, 6),
        each.covariance.reshape(b, h, 6, 6),
    )  # fmt: skip


def lines_arriving(found: Arrivals, look: Look, engine: Engine, setting: Setting, undetected: Undetected) -> Arrivals:
    """The same arrivals, with what lines each detection may begin."""
    if not len(found.weight):
        return found
    new = line_births(engine, setting, look, undetected)
    weight, fresh = found.weight.copy(), look.station.config.detection_probability * new.spread
    weight[new.rows] += fresh
    return Arrivals(weight, new, fresh / weight[new.rows])
