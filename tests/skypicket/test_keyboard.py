"""What terminals send is told apart into keys, whatever else comes and however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skypicket.playing.keyboard import KEYS, LONGEST, keys_of

CODES = sorted(KEYS)
OTHERS = (b"x", b"\n", b"\xc3\xa9", b"\x1b[5~", b"\x1b[1;5C", b"\x1b[200~", b"\x1bOP", b"\x7f")


def fed(pieces: list[bytes]) -> tuple[list[str], bytes]:
    keys, rest = [], b""
    for piece in pieces:
        more, rest = keys_of(rest + piece)
        keys += more
    return keys, rest


@given(st.lists(st.sampled_from([*CODES, *OTHERS]), max_size=20))
def test_keys_come_in_order_and_others_are_let_go(codes: list[bytes]) -> None:
    assert keys_of(b"".join(codes)) == ([KEYS[code] for code in codes if code in KEYS], b"")


@given(st.lists(st.sampled_from(CODES), max_size=10), st.integers(1, 4))
def test_keys_are_whole_however_they_are_cut(codes: list[bytes], size: int) -> None:
    data = b"".join(codes)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert fed(pieces) == ([KEYS[code] for code in codes], b"")


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_bytes_leave_at_most_the_beginning_of_a_key(pieces: list[bytes]) -> None:
    _, rest = fed(pieces)
    assert len(rest) < LONGEST
    assert rest[:1] in (b"", b"\x1b")
