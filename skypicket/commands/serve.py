"""`skypicket serve`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fusion.errors import ConfigError
from skypicket.arguments import add_command
from skypicket.exits import DONE

if TYPE_CHECKING:
    from fusion.config import SiteConfig
    from skypicket.arguments import Subparsers
    from skypicket.serving.service import Service


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "serve",
        run,
        "the live service: frames in, tracks and alerts out",
        "Take frames in, track what they show, and publish the air picture, alerts, status and zones, until "
        "Ctrl-C or SIGTERM. With --time live, event times are held against the clock and reports go on where "
        "sensors fall silent; with --time event, for replays and fast simulations, frames alone move time. "
        "Every alert step is in the journal on the disk before it is published.",
        "serve --config site.toml",
        "serve --config site.toml --time event",
    )
    parser.add_argument("--config", required=True, metavar="FILE", help="the site: its sensors and zones")
    parser.add_argument("--time", choices=("live", "event"), default="live", help="default live")
    for name, what in (
        ("ingest", "where frames come in"),
        ("publish", "where everything goes out"),
        ("requests", "where requests are answered"),
    ):
        parser.add_argument(
            f"--{name}", metavar="ADDRESS", help=f"{what}, instead of the site's; port * takes a free one"
        )
    parser.add_argument("--data", metavar="FOLDER", help="of the alert journal, instead of the site's")
    parser.add_argument("--json", action="store_true", help="once ready, print the addresses as one JSON line")


def run(arguments: argparse.Namespace) -> int:
    import logging

    from adapters.site.configuration import load_site
    from skypicket.console import prepare_kernels, tell_left_out
    from skypicket.signals import Stop

    logging.basicConfig(level=logging.INFO, format="skypicket: %(message)s")
    site = _overridden(load_site(arguments.config), arguments)
    tell_left_out(site)
    with Stop() as stop:
        prepare_kernels()
        with _start(site, arguments) as service:
            announce(service, as_json=arguments.json)
            service.run(stop)
    return DONE


def _overridden(site: SiteConfig, arguments: argparse.Namespace) -> SiteConfig:
    from dataclasses import replace

    given = {name: getattr(arguments, name) for name in ("ingest", "publish", "requests", "data")}
    changed = {name: value for name, value in given.items() if value is not None}
    try:
        return replace(site, service=replace(site.service, **changed))
    except ConfigError as error:
        raise _placed(error.within("", "service"), arguments) from None


def _start(site: SiteConfig, arguments: argparse.Namespace) -> Service:
    from skypicket.serving.service import Service

    try:
        return Service(site, live=arguments.time == "live")
    except ConfigError as error:
        raise _placed(error, arguments) from None


def _placed(error: ConfigError, arguments: argparse.Namespace) -> ConfigError:
    """Where the mistake was made: the option, or else the key in the site's file."""
    section, _, name = error.key.partition(".")
    if section != "service" or error.file:
        return error
    if getattr(arguments, name, None) is not None:
        return ConfigError(f"--{name}", error.found, error.allowed)
    return error.within(arguments.config)


def announce(service: Service, *, as_json: bool) -> None:
    """Say on standard output that everything is bound, and where."""
    import json

    addresses = {
        "ingest": service.ingest.address,
        "publish": service.publisher.address,
        "requests": service.requests.address,
    }
    if as_json:
        print(json.dumps(addresses), flush=True)
        return
    mode = "live" if service.live else "by event time"
    print(
        f"{service.site.service.name} is served {mode}, with {len(service.site.sensor)} sensors and "
        f"{len(service.site.zones)} zones\n"
        + "\n".join(f"  {name:<9} {address}" for name, address in addresses.items()),
        flush=True,
    )
