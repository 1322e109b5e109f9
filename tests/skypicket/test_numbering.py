from __future__ import annotations

from pathlib import Path

import pytest

from fusion.errors import ConfigError
from skypicket.serving.numbering import FILE, next_picture


def test_numbers_of_a_folder_go_up_from_0_and_survive(tmp_path: Path):
    assert [next_picture(tmp_path) for _ in range(3)] == [0, 1, 2]
    (tmp_path / "other").mkdir()
    assert next_picture(tmp_path / "other") == 0
    assert next_picture(tmp_path) == 3
    assert next_picture(tmp_path, 9) == 9
    assert next_picture(tmp_path, 9) == 10


@pytest.mark.parametrize("content", [b"", b"seven", b"-1", b"\xff\xfe"])
def test_a_damaged_number_is_refused_and_left_as_it_was(content, tmp_path: Path):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="allowed is"):
        next_picture(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"service\.data"):
        next_picture(tmp_path / "nowhere")
