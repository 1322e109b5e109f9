"""The first compilation: shared out over processes, into the one cache, and no loss where a process dies."""

from __future__ import annotations

import pytest

from fusion import kernels
from skypicket.compiling import compile_everywhere


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Compile some modules into an empty cache: what was shown."""
    monkeypatch.setattr(kernels, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("SKYPICKET_KERNEL_CACHE", "")  # given back after the test

    def compiled(*names, cores=2):
        found = []
        monkeypatch.setattr(kernels, "modules", lambda: list(names))
        compile_everywhere(lambda *each: found.append(each), cores)
        return found

    return compiled


def test_the_modules_are_compiled_into_the_cache_of_this_process(shown, tmp_path):
    names = [f"fusion.kernels.{name}" for name in ("whitened", "ids", "undetected")]
    assert shown(*names) == [("compiling", done, 3) for done in range(4)]
    made = {path.name.partition(".")[0] for path in (tmp_path / "cache").rglob("*.nbc")}
    assert {"whitened", "ids", "undetected"} <= made


def test_a_process_that_dies_leaves_its_work_to_the_loading(shown, tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text("import os; os._exit(9)")
    monkeypatch.syspath_prepend(tmp_path)
    assert shown("deadly", "fusion.kernels.ids")[0] == ("compiling", 0, 2)


def test_on_one_core_it_is_all_left_to_the_loading(shown, tmp_path):
    assert shown("fusion.kernels.ids", cores=1) == []
    assert not (tmp_path / "cache").exists()
