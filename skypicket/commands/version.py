"""`skypicket version`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from skypicket.arguments import add_command
from skypicket.exits import DONE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers

LIBRARIES: Final = ("numpy", "scipy", "numba", "filterpy", "shapely", "pyzmq", "msgpack", "mcap")


def add_parser(subparsers: Subparsers) -> None:
    add_command(
        subparsers,
        "version",
        run,
        "print the version of skypicket and of what it computes with",
        "Print the version of skypicket, of Python, and of the libraries that its results depend on: "
        "what to write into a report of a defect.",
        "version",
    )


def run(arguments: argparse.Namespace) -> int:
    import platform
    from importlib import metadata

    from skypicket import __version__

    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    print(f"skypicket {__version__}\nPython {platform.python_version()}, {libraries}")
    return DONE
