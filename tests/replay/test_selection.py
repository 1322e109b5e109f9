from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.errors import ConfigError
from replay.recordings.selection import TopicSelection

TOPICS = ["frame.north", "frame.north2", "frame", "tracks", "alert.north.predicted", "alert.north2.imminent", "truth"]


def taken(**choice):
    selection = TopicSelection(**choice)
    return [topic for topic in TOPICS if selection.takes(topic)]


def test_without_a_choice_every_topic_is_taken():
    assert taken() == TOPICS
    assert TopicSelection().everything


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["frame.north"], ["frame.north"]),
        (["frame"], ["frame.north", "frame.north2", "frame"]),
        (["alert.north."], ["alert.north.predicted"]),
        (["alert.north"], ["alert.north.predicted"]),
        (["frame.nor"], []),
        (["truth", "tracks"], ["tracks", "truth"]),
    ],
)
def test_a_name_is_a_topic_or_its_dotted_beginning(names, wanted):
    assert taken(names=names) == wanted


def test_an_expression_is_found_anywhere_as_in_ros2_bag():
    assert taken(include_regex="north2") == ["frame.north2", "alert.north2.imminent"]
    assert taken(include_regex="^tr") == ["tracks", "truth"]
    assert taken(include_regex=r"north\b") == ["frame.north", "alert.north.predicted"]


def test_names_and_expression_add_up_and_the_excluded_are_taken_away_from_both():
    assert taken(names=["truth"], include_regex="^alert") == ["alert.north.predicted", "alert.north2.imminent", "truth"]
    assert taken(names=["frame"], include_regex="^alert", exclude_regex="2") == [
        "frame.north", "frame", "alert.north.predicted",
    ]  # fmt: skip
    assert taken(exclude_regex="north") == ["frame", "tracks", "truth"]
    assert not TopicSelection(exclude_regex="north").everything


@pytest.mark.parametrize("key", ["include_regex", "exclude_regex"])
@pytest.mark.parametrize("bad", ["(", "*", "[a", "a" * 2000])
def test_what_is_no_expression_is_refused_with_its_option(key, bad):
    with pytest.raises(ConfigError) as caught:
        TopicSelection(**{key: bad})
    assert ("--exclude-regex" if key == "exclude_regex" else "--regex") in str(caught.value)


@given(
    st.lists(st.sampled_from(["frame", "frame.a", "alert.a.", "tracks"]), max_size=3),
    st.sampled_from([None, "a", "^frame", r"\.b$"]),
    st.sampled_from([None, "b", "^alert"]),
    st.sampled_from(["frame.a", "frame.b", "frame.ab", "alert.a.b", "alert.b.a", "tracks"]),
)
def test_the_answer_is_that_of_the_definition_word_by_word(names, include, exclude, topic):
    parts = topic.split(".")
    beginnings = {".".join(parts[:k]) for k in range(1, len(parts) + 1)}
    wanted = any(name.strip(".") in beginnings for name in names) or bool(include and re.search(include, topic))
    wanted = (wanted or (not names and include is None)) and not (exclude and re.search(exclude, topic))
    selection = TopicSelection(names, include, exclude)
    assert [selection.takes(topic), selection.takes(topic)] == [wanted, wanted]
