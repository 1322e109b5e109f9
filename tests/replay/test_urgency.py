"""Who gets the processor at once, and who must not."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from adapters.clock import ManualClock
from replay.playing.rest import BUSY_NS, Rest
from replay.playing.urgency import Patience, urgent


def test_who_does_not_wait_loses_its_urgency_until_it_waits_again() -> None:
    clock, told = ManualClock(), list[bool]()
    rest = Rest(clock, told.append)
    for _ in range(10):
        clock.advance(BUSY_NS / 4e9)
        rest(0.001, clock.advance)  # a short wait before each message
    assert told == []
    for _ in range(10):
        clock.advance(BUSY_NS / 4e9)
        rest(0.0, clock.advance)
    assert told == [False]
    rest(0.5, clock.advance)
    assert told == [False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="real-time priorities of Linux")
def test_urgency_is_taken_from_all_threads_and_given_back_to_all_but_the_patient() -> None:
    begun, over = threading.Barrier(3), threading.Event()
    starter, numbers = threading.get_native_id(), list[int]()
    patiences = list[Patience]()

    def work(patient: bool) -> None:
        if patient:
            patiences.append(Patience(starter))
        numbers.append(threading.get_native_id())
        begun.wait()
        over.wait()
        if patient:
            patiences[0].end()
            patient_after.append(os.sched_getscheduler(0))

    patient_after = list[int]()
    with urgent() as urge:
        if os.sched_getscheduler(0) != os.SCHED_RR:
            pytest.skip("no right to real-time priorities")
        eager, patient = (threading.Thread(target=work, args=(each,)) for each in (False, True))
        eager.start()
        patient.start()
        begun.wait()

        def policies() -> list[int]:
            return [
                os.sched_getscheduler(thread.native_id or 0) for thread in (threading.main_thread(), eager, patient)
            ]

        assert policies() == [os.SCHED_RR, os.SCHED_RR, os.SCHED_OTHER]
        urge(False)
        assert policies() == [os.SCHED_OTHER] * 3
        urge(True)
        assert policies() == [os.SCHED_RR, os.SCHED_RR, os.SCHED_OTHER]
        urge(False)
        over.set()
        eager.join()
        patient.join()
        assert patient_after == [os.SCHED_OTHER]  # it is as urgent as who started it
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
