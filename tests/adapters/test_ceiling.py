from __future__ import annotations

import resource
from pathlib import Path

import pytest

from adapters.ceiling import Ceiling
from adapters.journal import JournalError


def test_a_number_is_there_for_the_next_one_who_looks(tmp_path: Path) -> None:
    file = tmp_path / "alerts.numbers"
    assert Ceiling(file).number == 0
    for number in (7, 2**63 - 1, 3, 0):
        Ceiling(file).set(number)
        assert Ceiling(file).number == number
        assert file.stat().st_size == 21


def test_it_is_written_where_no_file_may_grow(tmp_path: Path) -> None:
    ceiling = Ceiling(tmp_path / "alerts.numbers")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (21, hard))
    try:
        ceiling.set(12)
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "other").write_bytes(b"x" * 22)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Ceiling(tmp_path / "alerts.numbers").number == 12


@pytest.mark.parametrize("content", [b"x", b"12\n", b"1" * 22, b"-" + b"1" * 19 + b"\n"])
def test_what_is_no_number_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "alerts.numbers"
    file.write_bytes(content)
    with pytest.raises(JournalError, match=r"alerts\.numbers: is damaged"):
        Ceiling(file)


def test_what_cannot_be_made_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be used"):
        Ceiling(tmp_path / "nowhere" / "alerts.numbers")
    ceiling = Ceiling(tmp_path / "alerts.numbers")
    ceiling.file.unlink()
    with pytest.raises(JournalError, match="cannot be written"):
        ceiling.set(1)
