"""What a file that is no recording of ours seems to be, by how it begins: so that an error can say it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from replay.recordings.marks import MCAP_MARK

SNIFFED: Final = 4096  # bytes from the beginning that are looked at
FLIPPED_BITS: Final = 16  # of the 64 of MCAP's mark: more would take random bytes for a damaged mark too often
SIGNATURES: Final = (
    (b"#ROSBAG V", "a ROS 1 bag"),
    (b"SQLite format 3\0", "an SQLite database, as of a ROS 2 bag (.db3)"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture (pcap)"),
    (b"\xa1\xb2\x3c\x4d", "a packet capture (pcap)"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"),
    (b"\x1f\x8b", "compressed with gzip: `gunzip` it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: `unzstd` it first"),
    (b"\x04\x22\x4d\x18", "compressed with lz4: `unlz4` it first"),
    (b"BZh", "compressed with bzip2: `bunzip2` it first"),
    (b"\xfd7zXZ\0", "compressed with xz: `unxz` it first"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "a Parquet table"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
)
TEXTS: Final = ((b"<", "XML or HTML"), (b"[", "a JSON array; allowed is one JSON object a line"))
TAR_AT: Final = 257


def beginning(path: str) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(SNIFFED)
    except (OSError, ValueError):
        return b""


def signature_of(head: bytes) -> str:
    """What a file is for certain, by the mark with which it begins, in words; nothing where it has no mark known here.

    An MCAP file is none of these: it may be damaged, and its name wrong.
    """
    for signature, words in SIGNATURES:
        if head.startswith(signature):
            return words
    return "a tar archive" if head[TAR_AT:].startswith(b"ustar") else ""


def seems_to_be(head: bytes) -> str:
    """What a file beginning with `head` seems to be, in words; nothing where there is no telling."""
    if not head:
        return "an empty file"
    if head.startswith(MCAP_MARK):
        return "an MCAP file: its name should end in .mcap"
    if not head.strip(b"\0"):
        return f"{len(head)} or more zero bytes, as a disk leaves them that was never written"
    if words := signature_of(head):
        return words
    if flipped_bits(head) <= FLIPPED_BITS:
        return f"an MCAP file with {flipped_bits(head)} wrong bits in its opening mark: `skypicket recover` reads it"
    return _text(head)


def flipped_bits(head: bytes) -> int:
    """By how many bits the beginning of a file differs from MCAP's opening mark; 64 where it is too short."""
    if len(head) < len(MCAP_MARK):
        return 64
    return sum((one ^ other).bit_count() for one, other in zip(head, MCAP_MARK, strict=False))


def _text(head: bytes) -> str:
    first = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if first.startswith(b"{"):
        return "JSON lines: its name should end in .jsonl"
    for begins, words in TEXTS:
        if first.startswith(begins):
            return words
    if b"\0" in first:
        return ""
    try:
        lines = first[: first.rfind(b"\n") + 1].decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return ""
    if len(lines) >= 2 and all(line.count(",") == lines[0].count(",") > 0 for line in lines):
        return "a table of comma-separated values (CSV)"
    return "text" if lines else ""
