"""The command line: one parser of all commands, and what each outcome is as an exit code.

Only parsers are made here; what a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from fusion.errors import ConfigError, RecordingError, SkypicketError
from skypicket import __version__
from skypicket.commands import ALL
from skypicket.exits import BROKEN_PIPE, INTERRUPTED, STOPPED, USAGE

DESCRIPTION: Final = (
    "Fuses radar and infrared detections into tracks, predicts their paths, and warns before protected "
    "airspace is entered."
)
EPILOG: Final = (
    "Examples: `skypicket demo` shows the whole job; `skypicket COMMAND --help` explains a command. "
    "Exit codes: 0 done, 2 usage or configuration, 3 bad input that stopped the work, 4 nothing to do."
)


def parser() -> argparse.ArgumentParser:
    """The parser of everything; each command's namespace has `run`."""
    top = argparse.ArgumentParser(prog="skypicket", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"skypicket {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add_parser in ALL:
        add_parser(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; never shows a traceback for what users can cause."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Unicode must not stop the work
            stream.reconfigure(errors="replace")
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except SkypicketError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            return _reader_gone()
        tell(error)
        return USAGE if isinstance(error, ConfigError) else STOPPED


def tell(error: SkypicketError) -> None:
    """An error on standard error, each line of it with the program's name, as compilers do."""
    for line in str(error).splitlines():
        print(f"skypicket: {line}", file=sys.stderr)
    if isinstance(error, RecordingError) and error.file == "-":
        print("skypicket: (- is standard input or output)", file=sys.stderr)


def _reader_gone() -> int:
    """Whoever read our output has closed it, as `head` does: no error, but nothing more to say either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
