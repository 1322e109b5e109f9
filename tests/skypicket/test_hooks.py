from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fusion.errors import ConfigError
from skypicket.hooks import ENVIRONMENT, Hook

ALERT: dict[str, Any] = {
    "number": 7,
    "alert": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "step": 2,
    "zone": "runway",
    "track": 71,
    "level": "imminent",
    "state": "updated",
    "probability": 0.93,
    "time_ns": 5,
    "reason": "Track 71; $(touch /tmp/hooked) `id` 'quoted' \"twice\"",
}
KEEP = "import os, sys; open(sys.argv[1], 'a').write(sys.stdin.read() + os.environ['SKYPICKET_LEVEL'] + chr(10))"


def hook(code: str, *words: str, timeout_s: float = 30.0) -> tuple[Hook, list[str]]:
    reports: list[str] = []
    command = " ".join(f'"{word}"' for word in (sys.executable, "-c", code, *words))
    return Hook(command, reports.append, timeout_s), reports


def test_a_command_gets_the_message_on_its_input_and_the_main_fields_in_its_environment(tmp_path: Path):
    told = tmp_path / "told with a space"
    run, reports = hook(KEEP, str(told))
    assert run.run(ALERT)
    assert run.run({**ALERT, "level": "infringing"})
    first, level, second, later = told.read_text().splitlines()
    assert json.loads(first) == ALERT
    assert level == "imminent"
    assert json.loads(second)["level"] == later == "infringing"
    assert reports == []


def test_every_named_field_is_in_the_environment(tmp_path: Path):
    told = tmp_path / "told"
    code = "import json, os, sys; open(sys.argv[1], 'w').write(json.dumps(dict(os.environ)))"
    assert hook(code, str(told))[0].run(ALERT)
    environment = json.loads(told.read_text())
    assert {name: environment[f"SKYPICKET_{name.upper()}"] for name in ENVIRONMENT} == {
        name: str(ALERT[name]) for name in ENVIRONMENT
    }


def test_no_shell_reads_the_command(tmp_path: Path):
    reports: list[str] = []
    assert Hook(f"echo $(touch {tmp_path}/made) ; touch {tmp_path}/made | cat", reports.append).run(ALERT)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_reported_and_raises_nothing():
    run, reports = hook("raise SystemExit(3)")
    assert not run.run(ALERT)
    assert reports == [f"alert step 7: {sys.executable} ended with 3"]


def test_a_command_that_does_not_read_its_input_is_no_failure():
    run, reports = hook("pass")
    assert run.run({**ALERT, "reason": "x" * 1_000_000})
    assert reports == []


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path):
    ready = tmp_path / "ready"
    code = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open(sys.argv[1], 'w'); import time; time.sleep(600)"
    )
    run, reports = hook(code, str(ready), timeout_s=2.0)
    assert not run.run(ALERT)
    assert reports == [f"alert step 7: {sys.executable} was ended after 2 s"]


@pytest.mark.parametrize("command", ["", "   ", "no-such-program-anywhere", "echo 'unclosed"])
def test_what_is_no_command_is_a_configuration_mistake(command):
    with pytest.raises(ConfigError, match="allowed is"):
        Hook(command, print)
