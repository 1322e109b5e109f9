"""`skypicket encounters`: a table on standard output, and a folder with everything behind it."""

from __future__ import annotations

import json

from replay.encounters.store import load
from skypicket.cli import main


def test_a_campaign_prints_its_figures_and_writes_its_folder(tmp_path, capsys):
    folder = tmp_path / "made" / "here"
    assert main(["encounters", "--count", "2", "--seed", "1000", "--workers", "1", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "nuisance per object-hour" in said
    found = json.loads((folder / "results.json").read_text())
    assert (found["seed"], found["encounters"]) == (1000, 2)
    assert [record.number for record in load(folder / "records.npz")[1]] == [0, 1]
    for name in ("reliability.png", "warnings.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_made_is_an_error_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["encounters", "--count", "1", "--out", str(tmp_path / "file" / "under")]) == 2
    assert "--out" in capsys.readouterr().err
