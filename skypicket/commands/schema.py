"""`skypicket schema`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from skypicket.arguments import add_command
from skypicket.exits import DONE

if TYPE_CHECKING:
    from skypicket.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "schema",
        run,
        "print the JSON Schemas of messages and requests",
        "Print the JSON Schema (2020-12) of one message or request, or of all of them as one object with "
        "their names as keys. They hold for the JSON form; in MessagePack a column may be a bin instead.",
        "schema alert",
        "schema --list",
        "schema > skypicket-schemas.json",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of one schema; all if left out")
    parser.add_argument("--list", action="store_true", help="print the names alone, one a line")


def run(arguments: argparse.Namespace) -> int:
    import json

    from adapters import schemas
    from fusion.errors import ConfigError

    if arguments.list:
        print(*schemas.names(), sep="\n")
        return DONE
    if arguments.name is not None and arguments.name not in schemas.names():
        raise ConfigError("schema", arguments.name, f"one of {', '.join(schemas.names())}")
    if arguments.name is not None:
        content = schemas.load(arguments.name)
    else:
        content = {name: schemas.load(name) for name in schemas.names()}
    print(json.dumps(content, indent=2))
    return DONE
