"""GOSPA on the real recordings of `../shared/data`, beside the public trackers of that folder's README."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from adapters.site.configuration import load_site
from replay.offline import track
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.score import score_files

DATA = Path(__file__).parents[2] / "shared" / "data"
PEERS = {
    # (recording, sensors): Stone Soup GNN, Stone Soup JPDA, VIMMJIPDA; GOSPA in metres, from that README
    ("autoferry/scenario_02", "radar"): (13.12, 14.31, 19.03),
    ("autoferry/scenario_03", "radar"): (23.29, 24.06, 27.11),
    ("autoferry/scenario_04", "radar"): (16.66, 15.79, 21.79),
    ("autoferry/scenario_02", "radar + infrared"): (13.10, None, None),
    ("autoferry/scenario_03", "radar + infrared"): (22.33, None, None),
    ("autoferry/scenario_04", "radar + infrared"): (16.42, None, None),
    ("joyride", "radar"): (45.0, 44.0, 43.0),
}
CUTOFF_M = {"autoferry": 20.0, "joyride": 60.0}


def run(*, smoke: bool) -> None:
    if not DATA.is_dir():
        print("   the real recordings are not beside this checkout: nothing to compare")
        return
    heads = [
        "recording",
        "sensors",
        "ours",
        "localisation",
        "missed",
        "false",
        "switches",
        "completeness",
        "GNN / JPDA / VIMMJIPDA",
    ]
    print(f"   | {' | '.join(heads)} |\n   |{'---|' * len(heads)}")
    for (name, sensors), peers in PEERS.items():
        if smoke and name != "joyride":
            continue
        score = score_recording(DATA / name, sensors, CUTOFF_M[name.split("/")[0]])
        totals, told = score.totals, " / ".join("–" if peer is None else f"{peer:.1f}" for peer in peers)
        print(
            f"   | {name} | {sensors} | {totals.gospa_m:.2f} | {totals.localisation_m:.2f} | {totals.missed_m:.2f} |"
            f" {totals.false_m:.2f} | {score.switches} | {score.completeness or 0.0:.2f} | {told} |",
            flush=True,
        )


def score_recording(folder: Path, sensors: str, c_m: float) -> Score:
    """Track a recording with all its sensors, or with its radar alone, and score it in the plane."""
    site = load_site(folder / "site.toml")
    if sensors == "radar":
        site = replace(site, sensor=tuple(sensor for sensor in site.sensor if sensor.kind == "radar"))
    with tempfile.TemporaryDirectory() as out:
        tracks = str(Path(out) / "tracks.jsonl")
        track(str(folder / "detections.jsonl"), site, tracks)
        return score_files(tracks, str(folder / "truth.jsonl"), ScoreOptions(c_m=c_m, dims=2))
