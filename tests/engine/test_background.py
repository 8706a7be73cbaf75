"""Work in the background: how it ends, and what it says of that."""

from __future__ import annotations

import logging
import threading

import pytest

from engine.background import BackgroundJob, ThreadJob
from engine.errors import UsageError

LIMIT_S = 240


class Copying(ThreadJob):
    failure, advice = "The copy could not be made", "make room"


def ended(job: BackgroundJob) -> tuple[str, float, str]:
    """Wait for a job's end and return what everybody can read of it."""
    assert job.wait(LIMIT_S) and job.over
    return job.step, job.share, job.error


def test_work_runs_beside_its_caller_and_ends_whole() -> None:
    may_end, job = threading.Event(), Copying("read")
    job.start("copy", lambda: may_end.wait(LIMIT_S) and None)
    assert not job.wait(0) and not job.over and job.step == "read"
    may_end.set()
    assert ended(job) == ("done", 1.0, "")


def test_an_unexpected_error_is_one_sentence_and_its_traceback_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    job = Copying()
    with caplog.at_level(logging.WARNING):
        job.start("copy", lambda: {}["nothing"])
        assert ended(job) == ("failed", 0.0, "The copy could not be made (KeyError): make room.")
    assert caplog.records[-1].exc_info is not None


def test_an_error_of_our_own_is_told_as_it_is() -> None:
    def refuse() -> None:
        raise UsageError("Choose another folder.")

    job = Copying()
    job.start("copy", refuse)
    assert ended(job) == ("failed", 0.0, "Choose another folder.")


def test_what_is_raised_after_a_stop_is_no_failure() -> None:
    job, begun = Copying("read"), threading.Event()

    def work() -> None:
        begun.set()
        while not job.stopping:
            job.share = 0.5
        raise RuntimeError("cut off")

    job.start("copy", work)
    assert begun.wait(LIMIT_S)
    job.stop()
    assert ended(job)[0::2] == ("stopped", "")
