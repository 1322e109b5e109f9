"""Exit codes, as the contract has them, and as shells count signals."""

from typing import Final

DONE: Final = 0
USAGE: Final = 2  # usage or configuration
STOPPED: Final = 3  # bad input that stopped the work
NOTHING: Final = 4  # nothing to do
INTERRUPTED: Final = 130  # 128 + SIGINT
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE
