from __future__ import annotations

import signal

import pytest

from skypicket.children import Child, ChildFailed, Family


def test_a_child_that_fails_is_told_with_its_last_words():
    with Family() as family:
        child = family.start("check", "/nowhere/site.toml")
        with pytest.raises(ChildFailed, match="ended with 2") as failure:
            child.wait_for(lambda line: line == "never", 60.0)
        assert "/nowhere/site.toml: file is missing" in str(failure.value)
        with pytest.raises(ChildFailed, match="`skypicket check` ended with 2"):
            family.check()


def test_a_child_that_says_nothing_is_not_waited_for_for_ever():
    with Family() as family:
        child = family.start("alerts", "--from", "tcp://127.0.0.1:9")
        with pytest.raises(ChildFailed, match="is not ready after 0 s"):
            child.wait_for(lambda line: line == "never", 0.01)
        family.check()
    assert child.code is not None


def test_what_a_child_says_is_found_after_it_ended():
    child = Child("version")
    assert child.wait_for(lambda line: line.startswith("Python"), 60.0)
    child.end()
    assert child.code is not None
    assert child.words.startswith("skypicket ")


def test_children_end_with_the_block_whatever_happens_in_it():
    children: list[Child] = []

    def begin_and_fail(family: Family) -> None:
        children.extend(family.start("alerts", "--from", "tcp://127.0.0.1:9") for _ in range(2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Family() as family:
        begin_and_fail(family)
    assert [child.code for child in children] == [-signal.SIGTERM] * 2
