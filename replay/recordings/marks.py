"""The bytes by which files are known."""

from typing import Final

MCAP_MARK: Final = b"\x89MCAP0\r\n"  # at the beginning and the end of every MCAP file
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # some editors begin a text with it
