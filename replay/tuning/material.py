"""Recordings with truth, read once and scored under many configurations; and parts of them, cut by time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fusion.config import SiteConfig
from fusion.errors import RecordingError
from fusion.types import SECOND_NS, Frame, Truth
from replay.campaigns.columns import Row, flatten
from replay.campaigns.tracking import follow
from replay.frames_in import FramesIn, TrackSummary
from replay.scoring.results import NothingToScoreError, ScoreOptions
from replay.scoring.run import load
from replay.scoring.score import score

MOST_BLOCKS: Final = 6  # into which a lone recording is cut: four to search on, two held out
LEAST_BLOCKS: Final = 3  # two to search on, one held out
SHORTEST_BLOCK_S: Final = 30.0  # below, most of a block is the beginning of its tracks


@dataclass(slots=True, eq=False)
class Material:
    """One recording, or a part of it. path, truth_path: of its files. begin_ns, end_ns: of the part, None: all.

    frames: as read under the sigmas `told`; digest: of all that decides a score of it but the configuration.
    """

    name: str
    path: str
    frames: tuple[Frame, ...]
    truth: tuple[Truth, ...]
    told: str
    digest: str
    begin_ns: int
    end_ns: int
    part: bool = False

    def score(self, site: SiteConfig, options: ScoreOptions) -> Row:
        """The columns of the score of its tracks under a configuration; empty where there is nothing to score."""
        if _sigmas(site) != self.told:
            self.frames = tuple(one for one in _frames(self.path, site)[0] if self._within(one.time_ns))
            self.told = _sigmas(site)
        run, _ = follow(self.frames, self.truth, site)
        try:
            return flatten(score(run.pictures, run.truth, options))
        except NothingToScoreError:
            return {}

    def blocks(self) -> tuple[Material, ...]:
        """Three to six parts of equal length, each to be tracked by itself; () where it is too short."""
        span_ns = self.end_ns - self.begin_ns
        count = min(MOST_BLOCKS, int(span_ns / SECOND_NS / SHORTEST_BLOCK_S))
        if count < LEAST_BLOCKS:
            return ()
        step_ns = span_ns // count
        edges = [self.begin_ns + step_ns * k for k in range(count)] + [self.end_ns + 1]
        parts = []
        for k in range(count):
            part = replace(
                self, name=f"{self.name} {k + 1}/{count}", begin_ns=edges[k], end_ns=edges[k + 1] - 1, part=True
            )
            part.frames = tuple(frame for frame in self.frames if part._within(frame.time_ns))
            part.digest = f"{self.digest} {k + 1}/{count}"
            if part.frames:
                parts.append(part)
        return tuple(parts)

    def _within(self, time_ns: int) -> bool:
        return self.begin_ns <= time_ns <= self.end_ns


def _cut(lone: Material) -> tuple[Material, ...]:
    parts = lone.blocks()
    if not parts:
        span_s = (lone.end_ns - lone.begin_ns) / SECOND_NS
        least = f"{LEAST_BLOCKS} parts of {SHORTEST_BLOCK_S:.0f} s"
        detail = f"is {span_s:.0f} s long: too short to be cut into {least}, to hold one out; give more recordings"
        raise RecordingError(lone.path, detail)
    return parts


def read(path: str, truth_path: str, site: SiteConfig) -> Material:
    """A recording of detections, and the truth of another (or of the same). Raises RecordingError."""
    frames, fingerprint = _frames(path, site)
    loaded = load(truth_path, truth_path)
    if not loaded.truth:
        raise RecordingError(truth_path, "holds no truth: nothing to search by")
    digest = hashlib.blake2b(fingerprint.encode(), digest_size=16)
    digest.update(Path(truth_path).read_bytes())
    return Material(
        _name(path),
        path,
        frames,
        loaded.truth,
        _sigmas(site),
        digest.hexdigest(),
        frames[0].time_ns,
        frames[-1].time_ns,
    )


def _frames(path: str, site: SiteConfig) -> tuple[tuple[Frame, ...], str]:
    summary = TrackSummary()
    recording = FramesIn(path, site, summary)
    if not summary.frames:
        why = "; ".join(first for _, first in summary.rejected.values()) or "it has none"
        raise RecordingError(path, f"no frame of a sensor of the site: {why}")
    if len([picture for picture in recording.pictures if picture.entries]) > 1:
        raise RecordingError(path, "holds several air pictures, one after another: give each as a recording")
    return tuple(recording.frames()), recording.fingerprint()


def _sigmas(site: SiteConfig) -> str:
    """What the gate puts into frames from the configuration."""
    return repr([(sensor.id, sorted(sensor.sigma.items())) for sensor in site.sensor])


def _name(path: str) -> str:
    """The file's name with its folder's: many recordings are `detections.jsonl` somewhere."""
    return str(Path(*Path(path).absolute().parts[-2:]))


def split(
    every: Sequence[Material], share: float, seed: int, named: Sequence[str]
) -> tuple[tuple[Material, ...], tuple[Material, ...]]:
    """(to search on, held out), each in the order given. named: the paths held out; else a share of them, by the seed.

    One recording alone is cut by time, and its last parts are held out. Raises RecordingError.
    """
    import numpy as np

    if named:
        held = {index for index, one in enumerate(every) if one.path in named}
    elif len(every) == 1:
        every = _cut(every[0])
        count = max(1, round(share * len(every)))
        held = set(range(len(every) - count, len(every)))
    else:
        count = min(max(1, round(share * len(every))), len(every) - 1)
        held = set(np.random.default_rng(seed).permutation(len(every))[:count].tolist())
    searched = tuple(one for index, one in enumerate(every) if index not in held)
    if not searched:
        raise RecordingError(every[0].path, "is held out like all others: none is left to search on")
    return searched, tuple(one for index, one in enumerate(every) if index in held)
