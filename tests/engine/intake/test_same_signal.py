"""The same signal, written in every way, is the same study or one sentence: never a silently different one.

CASEBIND_EXAMPLES sets how many files of each kind are made; without it, as many as take seconds. With `pytest -s` each
kind prints how many files were equal, refused and different.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from helpers.written_records import edf_files, wfdb_records
from helpers.written_signals import Written
from helpers.written_tables import tables
from helpers.written_waveforms import device_files, dicom_waveforms
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from engine.errors import IntakeError
from engine.intake import read
from engine.study import Trace

EXAMPLES = int(os.environ.get("CASEBIND_EXAMPLES", "0"))
REFUSED = 0.01  # of files that state everything, at most this share may end in a sentence
SHOWN = 5  # differences that a failure prints
MADE = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,  # the same files on every run of the suite, others in a long one
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
KINDS = {
    "tables": tables(),
    "wfdb": wfdb_records(),
    "edf": edf_files(),
    "dicom": dicom_waveforms(),
    "devices": device_files(),
}


def difference(trace: Trace, right: Written) -> str:
    """Return in which way a trace is another one than was written, "" where it is the same."""
    units = "au" if right.leads == ("PPG",) else "mV"
    if (trace.leads, trace.units) != (right.leads, units):
        return f"{trace.leads} in {trace.units}"
    if trace.fs != pytest.approx(right.fs, rel=1e-6):
        return f"{trace.fs} Hz"
    if trace.samples.shape != right.samples.shape:
        return f"{trace.samples.shape}, not {right.samples.shape}"
    if (np.isnan(trace.samples) != np.isnan(right.samples)).any():
        return f"{np.isnan(trace.samples).sum()} missing, not {np.isnan(right.samples).sum()}"
    largest = np.nan_to_num(np.abs(right.samples)).max()
    off = np.nan_to_num(np.abs(trace.samples - right.samples)).max(axis=1)
    return "" if (off <= right.step + 1e-6 * largest).all() else f"off by {off} mV, one step is {right.step}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_is_the_same_however_it_is_written(kind: str) -> None:
    counts, seen = _counted(KINDS[kind])
    print(f"\n{kind}: {counts['equal']} equal, {counts['refused']} refused, {counts['different']} different")
    print(*seen["refused"], sep="\n")
    assert not counts["different"], "\n".join(seen["different"])
    assert counts["refused"] <= REFUSED * counts.total(), "\n".join(seen["refused"])


def _counted(files: SearchStrategy[Written]) -> tuple[Counter[str], dict[str, list[str]]]:
    """Return how many files were equal, refused and different, with the first of the refused and of the different."""
    counts: Counter[str] = Counter()
    seen: dict[str, list[str]] = {"refused": [], "different": []}

    @MADE
    @given(files)
    def look(written: Written) -> None:
        try:
            said = difference(read(written.uploads, written.answers).trace, written)
            outcome = "different" if said else "equal"
        except IntakeError as error:
            said, outcome = str(error), "refused"
        counts[outcome] += 1
        if said and len(seen[outcome]) < SHOWN and not any(text.startswith(said) for text in seen[outcome]):
            seen[outcome].append(f"{said} {written.leads} {written.how}")

    look()
    return counts, seen
