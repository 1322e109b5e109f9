"""Asking the system to run a thread at once when its time has come, on a machine that has other work too.

A thread that shares a core waits until those before it have used up their slice, tens of milliseconds on a machine
with much to do. Who has the right (root, or `ulimit -r`) gets the lowest of the real-time priorities: such a thread
waits for no other. Without it, Linux 6.12 and later grant a short slice of one's own (`sched_setattr`), which helps
while the machine is not full. Elsewhere nothing is changed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

LOWEST: Final = 1  # of the real-time priorities
SLICE_NS: Final = 100_000  # the shortest that Linux grants
CALLS: Final = {"x86_64": 314, "aarch64": 274}  # the number of sched_setattr, which the C library does not wrap
ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, deadline, period


_patient: Final[set[int]] = set()  # threads that do long work now: they become urgent when they have done it


@contextmanager
def urgent() -> Iterator[Callable[[bool], None]]:
    """While it is entered, the calling thread is run soon after it wakes, as far as the system grants it.

    Threads that it starts meanwhile, ZeroMQ's too, are as urgent. Gives a function that takes the urgency from all of
    them, False, and gives it back, True: one that is busy all the time must not have it, for nobody else would run.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield _unchanged  # somebody has decided already
    elif _become(real_time=True):
        try:
            yield _all_become
        finally:
            _all_become(False)
    else:
        _set_slice(SLICE_NS)
        try:
            yield _unchanged  # a short slice takes nothing from anybody
        finally:
            _set_slice(0)  # the system's own


class Patience:
    """Of a thread that an urgent one starts: it does long work as everybody does, and is urgent where it is awaited.

    To be made in the new thread. starter: the native number of the one that started it.
    """

    def __init__(self, starter: int) -> None:
        self._starter, self._self = starter, threading.get_native_id()
        self._urgent = sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_RR
        if self._urgent:
            _patient.add(self._self)
            _become(real_time=False)

    def end(self) -> None:
        """As urgent from now on as who started it, now."""
        if self._urgent:
            self._urgent = False
            _patient.discard(self._self)
            with suppress(ProcessLookupError):
                if os.sched_getscheduler(self._starter) == os.SCHED_RR:
                    _become(real_time=True)

    def leave(self) -> None:
        """The thread ends."""
        _patient.discard(self._self)


def _unchanged(urgent: bool) -> None:
    """Where there is no urgency to take away."""


def _all_become(urgent: bool) -> None:
    """All threads of the process, but for the patient."""
    for task in Path("/proc/self/task").iterdir():
        if not urgent or int(task.name) not in _patient:
            _become(real_time=urgent, thread=int(task.name))


def _become(*, real_time: bool, thread: int = 0) -> bool:
    policy, priority = (os.SCHED_RR, LOWEST) if real_time else (os.SCHED_OTHER, 0)
    try:
        os.sched_setscheduler(thread, policy, os.sched_param(priority))
    except OSError:  # no right to, or no such thread any more
        return False
    return True


def _set_slice(slice_ns: int) -> None:
    """Policy and niceness stay as they are; a system that does not know of it changes nothing."""
    call = CALLS.get(platform.machine())
    if call is not None:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        attributes = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, slice_ns, 0, 0)
        ctypes.CDLL(None).syscall(call, 0, ctypes.create_string_buffer(attributes), 0)
