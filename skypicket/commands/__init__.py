"""One module a command: a light `add_parser`, and a `run` that imports what it needs."""

from collections.abc import Callable
from typing import Any, Final

from skypicket.commands import (
    alerts,
    campaign,
    check,
    compare,
    demo,
    encounters,
    explain,
    plot,
    record,
    replay,
    schema,
    score,
    serve,
    simulate,
    track,
    tune,
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
        replay,
        alerts,
        score,
        compare,
        explain,
        encounters,
        campaign,
        tune,
        plot,
        check,
        schema,
        version,
    )
)
