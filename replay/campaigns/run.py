"""One run of a campaign: a scenario simulated, tracked and scored, whatever comes of it."""

from __future__ import annotations

import os
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.simulated.scenario import Scenario
from fusion.config import SiteConfig
from replay.campaigns.columns import Row, flatten
from replay.campaigns.tracking import in_files, in_memory
from replay.scoring.results import ScoreOptions
from replay.scoring.score import score_run

DETECTIONS: Final = "detections.mcap"
TRACKS: Final = "tracks.mcap"
MOST_TEXT: Final = 500  # characters of an error's text in a table


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that decides one run. keep: the folder for its recordings; None: they are not kept."""

    key: str
    simulated: Scenario
    seed: int
    site: SiteConfig
    options: ScoreOptions
    keep: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in a run."""

    kind: str
    text: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run that has ended. row: of a good one.

    begun_s, ended_s: of the clock. cpu_s: what its process used meanwhile. worker: host and process.
    """

    key: str
    row: Row = field(default_factory=dict)
    failure: Failure | None = None
    begun_s: float = 0.0
    ended_s: float = 0.0
    cpu_s: float = 0.0
    worker: str = ""


def perform(job: Job) -> Outcome:
    """Do one run. Never raises: what goes wrong in it is its outcome."""
    begun, cpu = time.time(), time.process_time()
    row: Row = {}
    failure = None
    try:
        row = score_job(job)
    except Exception as error:
        failure = Failure(type(error).__name__, str(error)[:MOST_TEXT], traceback.format_exc())
    used = time.process_time() - cpu
    return Outcome(job.key, row, failure, begun, time.time(), used, f"{os.uname().nodename}:{os.getpid()}")


def score_job(job: Job) -> Row:
    """The run's row. Raises what its parts raise."""
    gap_s = job.options.max_gap_s
    if job.keep is None:
        tracked = in_memory(job.simulated, job.seed, job.site, gap_s)
    else:
        folder = Path(job.keep)
        folder.mkdir(parents=True, exist_ok=True)
        paths = str(folder / DETECTIONS), str(folder / TRACKS)
        tracked = in_files(job.simulated, job.seed, job.site, gap_s, paths)
    counts: Row = {
        "run.frames": tracked.frames,
        "run.detections": tracked.detections,
        "run.rejected": tracked.rejected,
        "run.alert_steps": tracked.steps,
    }
    return counts | flatten(score_run(tracked.run, job.options))
