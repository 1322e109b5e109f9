"""What each track did lately, as its motion modes tell: the last manoeuvre, when it began and how large it was.

A manoeuvre is a time in which motion modes other than cruise hold most of the probability. Its size is the change of
velocity from the last calm moment before it. Modes answer to detections, so a manoeuvre is noted some looks late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fusion.tracking.ids import rows_of
from fusion.tracking.motion import Motions
from fusion.types import Floats, Ints, Outlook

BEGINS: Final = 0.5  # P(not cruising) from which a track manoeuvres ...
ENDS: Final = 0.3  # ... and below which it does so no more


@dataclass(frozen=True, slots=True)
class Manoeuvre:
    """began_ns, ended_ns: when it was noted; None: it goes on.  turn_rad: change of heading, right positive.
    speeds_mps: along the ground, before and after.  mode, probability: the likeliest mode at its height.
    """

    began_ns: int
    ended_ns: int | None
    turn_rad: float
    speeds_mps: tuple[float, float]
    mode: str
    probability: float


class Conduct:
    """The last manoeuvre of every track of the last outlook, in arrays that are replaced, never changed."""

    def __init__(self, motions: Motions) -> None:
        self._names = motions.names
        self._cruise = motions.names.index("cruise") if "cruise" in motions.names and len(motions.names) > 1 else None
        self._id: Ints = np.zeros(0, np.int64)
        self._began, self._ended, self._mode = (np.zeros(0, np.int64) for _ in range(3))
        self._peak: Floats = np.zeros(0)
        self._calm, self._before, self._after = (np.zeros((0, 3)) for _ in range(3))

    def copy(self) -> Conduct:
        """The same memory, to go its own way."""
        twin = object.__new__(Conduct)
        twin.__dict__.update(self.__dict__)
        return twin

    def follow(self, outlook: Outlook) -> None:
        """Take in one evaluation."""
        if self._cruise is None:
            return
        order = np.argsort(outlook.id, kind="stable")
        weight = outlook.weight[order]
        velocity = (weight[..., None] * outlook.mean[..., 3:][order]).sum(axis=1)
        known, rows = rows_of(self._id, outlook.id[order])
        self._id = outlook.id[order]

        def carried(values: Any, new: Any) -> Any:
            out = np.array(new)
            out[known] = values[rows[known]]
            return out

        nothing = np.zeros(len(order), np.int64)
        began, ended = carried(self._began, nothing), carried(self._ended, nothing)
        calm, before, after = (carried(each, velocity) for each in (self._calm, self._before, self._after))
        peak, mode = carried(self._peak, nothing * 1.0), carried(self._mode, nothing)
        steered = 1.0 - weight[:, self._cruise]
        on = (began > 0) & (ended == 0)
        starts, stops = ~on & (steered >= BEGINS), on & (steered < ENDS)
        began[starts], ended[starts], peak[starts] = outlook.time_ns, 0, 0.0
        before[starts] = calm[starts]
        ended[stops] = outlook.time_ns
        on |= starts
        after[on] = velocity[on]
        others = weight.copy()
        others[:, self._cruise] = 0.0
        likeliest = others.argmax(axis=1)
        height = others[np.arange(len(order)), likeliest]
        higher = on & (height > peak)
        peak[higher], mode[higher] = height[higher], likeliest[higher]
        at_rest = ~on & (steered < ENDS)
        calm[at_rest] = velocity[at_rest]
        self._began, self._ended, self._peak, self._mode = began, ended, peak, mode
        self._calm, self._before, self._after = calm, before, after

    def last(self, track: int) -> Manoeuvre | None:
        """The last manoeuvre of a track, the present one too."""
        row = int(np.searchsorted(self._id, track))
        if row == len(self._id) or self._id[row] != track or not self._began[row]:
            return None
        (be, bn), (ae, an) = self._before[row, :2].tolist(), self._after[row, :2].tolist()
        turn = math.atan2(an * -be + ae * bn, ae * be + an * bn)
        return Manoeuvre(
            int(self._began[row]),
            int(self._ended[row]) or None,
            turn,
            (math.hypot(be, bn), math.hypot(ae, an)),
            self._names[int(self._mode[row])],
            float(self._peak[row]),
        )
