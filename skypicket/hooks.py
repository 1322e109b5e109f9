"""A command of the user's, run for each alert step."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.wire import encode
from fusion.errors import ConfigError

TIMEOUT_S: Final = 30.0  # a command that hangs must not hold back the next alert for longer
ENVIRONMENT: Final = ("number", "alert", "step", "zone", "track", "level", "state", "probability", "time_ns")


class Hook:
    """Runs `command` for one step after another: the message as a JSON line on its standard input, and its
    main fields as SKYPICKET_NUMBER, SKYPICKET_ZONE and so on in its environment.

    The command is split as a shell would and run without one, so that nothing in an alert is ever read as
    part of it. What goes wrong is reported and stops nothing. Raises ConfigError for no command.
    """

    def __init__(self, command: str, report: Callable[[str], None], timeout_s: float = TIMEOUT_S) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ConfigError("--exec", command, f"a command with its arguments ({error})") from None
        if not words or shutil.which(words[0]) is None:
            raise ConfigError("--exec", command, "a program that can be run, with its arguments")
        self._words, self._report, self._timeout_s = words, report, timeout_s

    def run(self, alert: Mapping[str, Any]) -> bool:
        """Run it for one step, to its end. Returns whether it went well."""
        values = {f"SKYPICKET_{name.upper()}": str(alert[name]) for name in ENVIRONMENT}
        line = encode(dict(alert), json=True).rstrip(b"\n") + b"\n"
        try:
            process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, env=os.environ | values, start_new_session=True
            )
        except OSError as error:
            return self._failed(alert, f"cannot be run: {error.strerror or error}")
        try:
            process.communicate(line, timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            return self._failed(alert, f"was ended after {self._timeout_s:g} s")
        except BaseException:
            _kill(process)
            raise
        return process.returncode == 0 or self._failed(alert, f"ended with {process.returncode}")

    def _failed(self, alert: Mapping[str, Any], detail: str) -> bool:
        self._report(f"alert step {alert['number']}: {self._words[0]} {detail}")
        return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command with everything that it started."""
    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
