"""`skypicket tune`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from skypicket.arguments import add_command, number, recording, whole
from skypicket.exits import DONE

if TYPE_CHECKING:
    from fusion.config import SiteConfig
    from replay.tuning.material import Material
    from replay.tuning.search import Found, Show, Task
    from skypicket.arguments import Subparsers

METRICS = ("gospa", "position", "velocity", "completeness", "switches", "false")


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "tune",
        run,
        "search the tracker's parameters on recordings with truth",
        "Search the numbers of a site's [tracker] and [[sensor]] tables with which the tracks of recordings score best "
        "(Optuna), and say what they gain on recordings held out, with a confidence interval, and which of them "
        "matter. The same command goes on where it was stopped (docs/campaigns.md).",
        "tune a.mcap b.mcap c.mcap d.mcap --config site.toml",
        "tune a.jsonl=a-truth.jsonl b.jsonl=b-truth.jsonl --config site.toml --c 20 --trials 200",
        "tune day1.mcap day2.mcap --config site.toml --hold-out day2.mcap --parameters agility_mps2,births_per_s",
    )
    parser.add_argument(
        "recordings", nargs="+", type=_pair, metavar="RECORDING[=TRUTH]",
        help="detections, and where their truth is if it is not in the same recording",
    )  # fmt: skip
    parser.add_argument("--config", required=True, metavar="SITE", help="the site: where the search begins")
    parser.add_argument("--out", metavar="DIR", help="the folder of the results (default: SITE without .toml, -tuned)")
    parser.add_argument("--trials", type=whole(1), default=100, metavar="N", help="so many in all (default 100)")
    parser.add_argument("--seed", type=whole(0), default=1, metavar="S", help="of the search and the split (default 1)")
    parser.add_argument("--metric", choices=METRICS, default="gospa", help="what is made better (default gospa)")
    held = parser.add_mutually_exclusive_group()
    held.add_argument(
        "--held-out", type=number(0.0, 0.9, above=True), default=0.3, metavar="SHARE",
        help="of the recordings, at least one, that the search does not see (default 0.3)",
    )  # fmt: skip
    held.add_argument(
        "--hold-out", action="append", default=[], metavar="RECORDING", help="hold this one out; may be repeated"
    )
    parser.add_argument(
        "--parameters", metavar="NAMES", help="which, with commas between (default: those that most sites guess)"
    )
    parser.add_argument("--c", type=float, default=100.0, metavar="METRES", help="cut-off of GOSPA (default 100)")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2, help="in the plane, or with height (default 2)")
    parser.add_argument(
        "--from", dest="from_s", type=number(0.0), default=0.0, metavar="S", help="leave out the first S seconds"
    )


def _pair(text: str) -> tuple[str, str]:
    """An argument's type: RECORDING or RECORDING=TRUTH."""
    path, _, truth = text.partition("=")
    for name in (path, truth or path):
        if recording(name) == "-":
            raise argparse.ArgumentTypeError("'-'; allowed is a file: it is read more than once")
    return path, truth or path


def run(arguments: argparse.Namespace) -> int:
    import json

    from adapters.site.configuration import load_site
    from replay.tuning.gain import gain
    from replay.tuning.parameters import overrides
    from replay.tuning.report import as_dict, as_text, remarks
    from replay.tuning.search import search
    from replay.tuning.written import write_site
    from skypicket.console import prepare_kernels, progress

    source = Path(arguments.config)
    site = load_site(source)
    folder = Path(arguments.out) if arguments.out else source.with_name(f"{source.stem}-tuned")
    task, held = _task(arguments, site)
    prepare_kernels()
    with progress() as bar:
        found: Found = search(task, arguments.trials, folder, _shown(bar))
    worth = gain(task, held, found.values)
    print(as_text(task, found, worth))
    write_site(source, folder / "best.toml", overrides(site, found.values), remarks(task, found, worth))
    (folder / "tune.json").write_text(json.dumps(as_dict(task, found, worth), indent=1, allow_nan=False) + "\n")
    print(f"\nIn {folder}: best.toml, tune.json, study.db")
    return DONE


def _task(arguments: argparse.Namespace, site: SiteConfig) -> tuple[Task, tuple[Material, ...]]:
    """What is searched, and the recordings held out."""
    from fusion.errors import ConfigError
    from replay.campaigns.summary import HEADLINES
    from replay.scoring.results import ScoreOptions
    from replay.tuning.material import read, split
    from replay.tuning.parameters import DEFAULTS, parameters
    from replay.tuning.search import Task

    columns = {
        "gospa": "totals.gospa_m", "position": "errors.position_rmse_m", "velocity": "errors.velocity_rmse_mps",
        "completeness": "completeness", "switches": "switches", "false": "false_time_s",
    }  # fmt: skip
    metric = next(one for one in HEADLINES if one.column == columns[arguments.metric])
    names = DEFAULTS if arguments.parameters is None else tuple(arguments.parameters.split(","))
    chosen = parameters(site, names)
    options = ScoreOptions(c_m=arguments.c, dims=arguments.dims, from_s=arguments.from_s)
    paths = [path for path, _ in arguments.recordings]
    for name in arguments.hold_out:
        if name not in paths:
            raise ConfigError("--hold-out", name, f"one of the recordings: {', '.join(paths)}")
    if len(set(paths)) < len(paths):
        raise ConfigError("RECORDING", paths, "each recording once")
    every = [read(path, truth, site) for path, truth in arguments.recordings]
    searched, held = split(every, arguments.held_out, arguments.seed, arguments.hold_out)
    return Task(site, chosen, searched, metric, options, arguments.seed), held


def _shown(bar: object) -> Show:
    def show(done: int, of: int, _best: float) -> None:
        bar("trials", done, of)  # type: ignore[operator]

    return show
