"""One module a command: a light `add_parser`, and a `run` that imports what it needs."""

from collections.abc import Callable
from typing import Any, Final

from skypicket.commands import (
    alerts,
    check,
    demo,
    encounters,
    explain,
    player,
    plot,
    record,
    recover,
    replay,
    schema,
    score,
    serve,
    simulate,
    track,
    version,
)

ALL: Final[tuple[Callable[[Any], None], ...]] = tuple(
    module.add_parser
    for module in (
        demo,
        serve,
        simulate,
        track,
        record,
        recover,
        replay,
        player,
        alerts,
        score,
        explain,
        encounters,
        plot,
        check,
        schema,
        version,
    )
)
