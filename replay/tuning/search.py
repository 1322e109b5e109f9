"""The search itself, by Optuna: tree-structured Parzen estimators (Bergstra et al. 2011), median pruning, SQLite.

Each trial's sampler is seeded by the search's seed and the trial's place, so that a search that was stopped and goes on
finds what one would have found that was not.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from fusion.config import SiteConfig
from fusion.errors import RecordingError
from replay.campaigns.grid import sources
from replay.campaigns.overrides import apply
from replay.campaigns.summary import Metric
from replay.scoring.results import ScoreOptions
from replay.tuning.material import Material
from replay.tuning.parameters import Parameter, overrides

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

FILE: Final = "study.db"
STARTUP: Final = 10  # trials drawn at random before the estimators say anything, and before any is pruned
TELLING: Final = 20  # complete trials; the best tenth of fewer is one trial, which tells nothing of importance
Values = Mapping[Parameter, float]
Show = Callable[[int, int, float], None]  # trials done, of how many, the best figure so far


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is searched, on what, and by which figure."""

    site: SiteConfig
    parameters: tuple[Parameter, ...]
    recordings: tuple[Material, ...]
    metric: Metric
    options: ScoreOptions
    seed: int

    @property
    def maximise(self) -> bool:
        return self.metric.better > 0

    def key(self) -> str:
        """A name made of everything that decides the search but the number of its trials."""
        said = (
            sources(), repr(self.site.tracker), repr(self.site.sensor), repr(self.site.service.origin),
            repr(self.site.service.report_period_s), repr(self.parameters), self.metric.column, repr(self.options),
            str(self.seed), *(one.digest for one in self.recordings),
        )  # fmt: skip
        return hashlib.blake2b("\0".join(said).encode(), digest_size=12).hexdigest()

    def figure(self, recording: Material, values: Values) -> float | None:
        """The metric of one recording under such values."""
        site = apply(self.site, overrides(self.site, values)) if values else self.site
        found = recording.score(site, self.options).get(self.metric.column)
        return None if found is None else float(found)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. values: the best; best, base: the mean figure over the recordings searched on.

    trials: finished; pruned: of these. importance: of the parameters, adding up to 1, where it can be told.
    """

    values: dict[Parameter, float]
    base: float
    best: float
    trials: int
    pruned: int
    importance: dict[str, float]


def search(task: Task, trials: int, folder: Path, show: Show = lambda _done, _of, _best: None) -> Found:
    """Search until there are so many trials, those of an earlier start among them; the site's own values are the first.

    Raises RecordingError where the folder's study cannot be used, or the site's own values have no such figure.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = _study(task, folder)
    _finish_cut(study)
    if not _ended(study):
        _add_base(study, task)
    for number in range(len(_ended(study)), trials):
        show(number, trials, float(study.best_value))
        study.sampler = optuna.samplers.TPESampler(seed=_seed(task, number), n_startup_trials=STARTUP)
        trial = study.ask(_distributions(task.parameters))
        _perform(study, trial, task)
    show(trials, trials, float(study.best_value))
    ended = _ended(study)
    best = study.best_trial
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in ended)
    return Found(
        _values(task, best.params), float(ended[0].value or 0.0), float(study.best_value), len(ended), pruned,
        _importance(study),
    )  # fmt: skip


def _study(task: Task, folder: Path) -> Study:
    import optuna

    folder.mkdir(parents=True, exist_ok=True)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_min_trials=5)
    direction: Literal["maximize", "minimize"] = "maximize" if task.maximise else "minimize"
    path = folder / FILE
    try:
        return optuna.create_study(
            storage=f"sqlite:///{path.absolute()}", study_name=task.key(), direction=direction, pruner=pruner,
            load_if_exists=True,
        )  # fmt: skip
    except Exception as error:
        raise RecordingError(str(path), f"cannot be used as a study: {str(error).splitlines()[0][:200]}") from error


def _perform(study: Study, trial: Trial, task: Task) -> None:
    """Score the recordings one after another; a trial whose running mean is worse than most others' is left there."""
    import optuna

    values = _values(task, trial.params)
    figures: list[float] = []
    for step, recording in enumerate(task.recordings):
        figure = task.figure(recording, values)
        if figure is None:  # as without any track: no worse can be
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
        figures.append(figure)
        trial.report(math.fsum(figures) / len(figures), step)
        if step + 1 < len(task.recordings) and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, math.fsum(figures) / len(figures))


def _add_base(study: Study, task: Task) -> None:
    """The site's own values as the first trial."""
    import optuna

    figures: list[float] = []
    for recording in task.recordings:
        figure = task.figure(recording, {})
        if figure is None:
            raise RecordingError(recording.path, f"has no {task.metric.column} under the site as it is")
        figures.append(figure)
    means = {step: math.fsum(figures[: step + 1]) / (step + 1) for step in range(len(figures))}
    params = {one.label: _typed(one, one.searched(one.value)) for one in task.parameters}
    study.add_trial(
        optuna.trial.create_trial(
            params=params, distributions=_distributions(task.parameters), value=means[len(figures) - 1],
            intermediate_values=means,
        )
    )  # fmt: skip


def _distributions(found: Sequence[Parameter]) -> dict[str, BaseDistribution]:
    from optuna.distributions import FloatDistribution, IntDistribution

    every: dict[str, BaseDistribution] = {}
    for one in found:
        low, high = sorted((one.searched(one.low), one.searched(one.high)))
        if one.scale == "whole":
            every[one.label] = IntDistribution(int(low), int(high))
        else:
            every[one.label] = FloatDistribution(low, high, log=one.scale != "linear")
    return every


def _typed(one: Parameter, value: float) -> float | int:
    return int(value) if one.scale == "whole" else value


def _values(task: Task, params: Mapping[str, Any]) -> dict[Parameter, float]:
    """What is tried; nothing where it is the site's own values, digit by digit."""
    if all(params[one.label] == _typed(one, one.searched(one.value)) for one in task.parameters):
        return {}
    return {one: one.found(float(params[one.label])) for one in task.parameters}


def _ended(study: Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _finish_cut(study: Study) -> None:
    """Trials in which an earlier start was stopped: they are done again under another number."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
        study.tell(trial.number, state=TrialState.FAIL)


def _seed(task: Task, number: int) -> int:
    """Of the sampler of one trial; Optuna takes 32 bits."""
    return int.from_bytes(hashlib.blake2b(f"{task.seed} {number}".encode(), digest_size=4).digest(), "little")


def _importance(study: Study) -> dict[str, float]:
    """How much of what parts good trials from others each parameter decides (PED-ANOVA, Watanabe et al. 2023)."""
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < TELLING or len({trial.value for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(value) for name, value in found.items()}
