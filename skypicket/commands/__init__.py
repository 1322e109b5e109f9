"""One module a command: a light `add_parser`, and a `run` that imports what it needs."""

from collections.abc import Callable
from typing import Any, Final

from skypicket.commands import (
    alerts,
    cat,
    check,
    convert,
    demo,
    encounters,
    explain,
    export,
    info,
    plot,
    record,
    recover,
    replay,
    schema,
    score,
    serve,
    simulate,
    trace,
    track,
    version,
)
from skypicket.commands import filter as filter_command

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
        alerts,
        score,
        explain,
        trace,
        encounters,
        plot,
        info,
        cat,
        filter_command,
        convert,
        export,
        check,
        schema,
        version,
    )
)
