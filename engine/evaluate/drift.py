"""`casebind monitor simulate`: how soon the monitor notices a shift, and how often it is wrong without one.

Open recordings of one data set of `valid` stand for a hospital. Half of its patients are what the hospital is known by:
profile, collection and usual groups; the others ask, drawn anew with replacement for each stream. A stream without a
shift is a month of 100 queries a day. A stream with one is recordings of the same patients, changed, or another data
set's. The rule and its signals are those of a workspace (engine.monitor).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.errors import UsageError
from engine.evaluate.cache import cached_arrays, key
from engine.index.hamming import words_of
from engine.intake.quality.judge import choose_window, judge
from engine.model import profile
from engine.model.release import Release
from engine.monitor.gather import COLLECTION, MonitorInputs, WindowTask
from engine.monitor.groups import group_of
from engine.monitor.rule import A_MONTH, SIGNALS, evidence, level_of
from engine.monitor.worker import compute
from engine.store.alarms import SignalWindow
from engine.study import Film, Study, Trace

WATCHED = ("embedding", "distance", "bits", "quality", "refusals", "groups")  # what recordings alone can show
LONGEST = 200  # queries after which a shift counts as missed
SWAPS = {"II": "III", "III": "II", "aVR": "aVL", "aVL": "aVR"}
GAMMA, BLUR_PX = 1.5, 1.5  # of films at another detector


@dataclass(frozen=True)
class Shift:
    """What changes. dataset: the hospital; other: whose recordings come instead; change: of its own recordings"""

    modality: str
    dataset: str
    change: Callable[[Study], Study] | None = None
    other: str = ""


@dataclass(frozen=True, eq=False)
class SeenRecordings:
    """Recordings of one data set as the monitor sees them, one row a patient."""

    projected: np.ndarray
    codes: np.ndarray
    scores: np.ndarray
    accepted: np.ndarray
    groups: np.ndarray

    def take(self, rows: np.ndarray) -> SeenRecordings:
        """Return some rows."""
        return SeenRecordings(
            *(getattr(self, name)[rows] for name in ("projected", "codes", "scores", "accepted", "groups"))
        )

    def __len__(self) -> int:
        return len(self.scores)


def electrodes(study: Study) -> Study:
    """Return an ECG with the electrodes of the arms exchanged: lead I inverted, II and III, aVR and aVL exchanged."""
    trace, rows = study.searched_trace, []
    for lead in trace.leads:
        row = trace.samples[trace.leads.index(SWAPS.get(lead, lead))]
        rows.append(-row if lead == "I" else row)
    return _with(study, Trace(np.stack(rows), trace.leads, trace.fs, trace.units))


def polarity(study: Study) -> Study:
    """Return a pulse recording upside down."""
    trace = study.searched_trace
    return _with(study, Trace(-trace.samples, trace.leads, trace.fs, trace.units))


def lead_lost(study: Study) -> Study:
    """Return lead I alone."""
    trace = study.searched_trace
    return _with(study, Trace(trace.samples[:1], trace.leads[:1], trace.fs, trace.units))


def detector(study: Study) -> Study:
    """Return a film as another detector would show it: darker middle tones (gamma 1.5), blurred by 1.5 pixels."""
    from scipy.ndimage import gaussian_filter

    film, full = study.film, 2.0**study.film.bits - 1
    shown = full * gaussian_filter((film.pixels / full) ** GAMMA, BLUR_PX * min(film.pixels.shape) / 1024)
    return replace(study, content=Film(shown.astype(film.pixels.dtype), film.bits, film.spacing_mm))


def _with(study: Study, trace: Trace) -> Study:
    return replace(study, content=trace, window_s=None)


SHIFTS: dict[str, Shift] = {
    "electrodes": Shift("ecg", "PTB-XL", electrodes),
    "polarity": Shift("ppg", "PPG-BP (Liang 2018)", polarity),
    "detector": Shift("cxr", "nih-cxr14", detector),
    "lead-lost": Shift("ecg", "PTB-XL", lead_lost),
    "hospital": Shift("ppg", "PPG-BP (Liang 2018)", other="BIDMC PPG and Respiration"),
    "children": Shift("cxr", "nih-cxr14", other="kermany-paediatric"),
}


def evaluate(
    release: Release, path: Path, name: str, *, cache: Path, streams: int, months: int, seed: int = 0
) -> dict[str, Any]:
    """Return the delay of detection of one shift, in queries, and the false alarms of streams without one.

    streams : with the shift. months: without one. Raises UsageError for an unknown shift, or where its recordings are
              not there
    """
    if name not in SHIFTS:
        raise UsageError(f"There is no shift '{name}': use {', '.join(SHIFTS)}.")
    shift, rng = SHIFTS[name], np.random.default_rng(seed)
    listed = _one_a_patient(path, shift.modality, shift.dataset)
    usual = seen_of(release, listed, None, cache, shift.dataset)
    if shift.other:
        others = _one_a_patient(path, shift.modality, shift.other)
        changed = seen_of(release, others, None, cache, shift.other)
    else:
        changed = seen_of(release, listed, shift.change, cache, f"{shift.dataset}, {name}")
    delays, first = [], []
    for _ in range(streams):
        known, asking = _halves(len(usual), rng)
        pool = np.arange(len(changed)) if shift.other else asking
        found = next(_alarms(usual.take(known), changed.take(rng.choice(pool, LONGEST)), shift), None)
        delays.append(found[0] if found else None)
        first.append(found[1] if found else "missed")
    quiet = [_quiet(usual, shift, rng) for _ in range(months)]
    return {
        "shift": name,
        "release": release.name,
        "modality": shift.modality,
        "hospital": shift.dataset,
        "patients": len(usual),
        "streams": streams,
        "delay": _delays(delays),
        "noticed_by": {one: first.count(one) for one in dict.fromkeys(first)},
        "without": {"months": len(quiet), "queries": A_MONTH, "alarms": sum(map(len, quiet)), "by": _counted(quiet)},
    }


def seen_of(
    release: Release, listed: list[Recording], change: Callable[[Study], Study] | None, cache: Path, named: str
) -> SeenRecordings:
    """Return recordings as the monitor sees them, changed or not; kept in a cache."""
    modality = listed[0].modality
    file = cache / f"drift-{key(release.digest, modality, named, *(one.study_id for one in listed))}.npz"
    made = cached_arrays(file, lambda: _measured(release, listed, change))
    facts = [{"age": one.age, "sex": one.sex, "view": one.view} for one in listed]
    groups = np.array([group_of(modality, fact) for fact in facts], np.int64)
    codes = words_of(release.codes(made["z"], modality))
    return SeenRecordings(profile.project(made["z"]), codes, made["scores"], made["accepted"], groups)


def _measured(
    release: Release, listed: list[Recording], change: Callable[[Study], Study] | None
) -> dict[str, np.ndarray]:
    studies, verdicts = [], []
    for one in listed:
        study = choose_window(one.study())
        study = study if change is None else change(study)
        studies.append(study)
        verdicts.append(judge(study))
    scores = np.array([one.score for one in verdicts], np.float32)
    return {"z": release.embed(studies), "scores": scores, "accepted": np.array([one.accepted for one in verdicts])}


def _one_a_patient(path: Path, modality: str, dataset: str) -> list[Recording]:
    first: dict[str, Recording] = {}
    for one in recordings(path, "valid", modality):
        if one.dataset == dataset:
            first.setdefault(one.patient_id, one)
    if not first:
        raise UsageError(f"There are no recordings of {dataset} in {path}: give the folder that holds them.")
    return [first[name] for name in sorted(first)]


def _halves(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(n)
    return order[: n // 2], order[n // 2 :]


def _quiet(usual: SeenRecordings, shift: Shift, rng: np.random.Generator) -> list[str]:
    """Return the signals that raised an alarm in a month without a shift; evidence begins anew after each."""
    known, asking = _halves(len(usual), rng)
    return [name for _, name in _alarms(usual.take(known), usual.take(rng.choice(asking, A_MONTH)), shift)]


def _alarms(known: SeenRecordings, asked: SeenRecordings, shift: Shift) -> Iterator[tuple[int, str]]:
    """Yield (queries so far, signal) of each alarm in a stream, in order."""
    inputs = _inputs(known, asked, shift)
    came: dict[str, list[SignalWindow]] = {name: [] for name in WATCHED}
    for task, found in zip(inputs.tasks, compute(inputs), strict=True):
        signal = SIGNALS[task.signal]
        mine = came[task.signal]
        mine += [_window(task, one) for one in found]
        grown = evidence(signal, mine)
        if grown is not None and level_of(signal, grown) is not None:
            mine.clear()
            yield task.rows[-1] + 1, task.signal


def _window(task: WindowTask, found: dict[str, Any]) -> SignalWindow:
    began, ended = datetime.fromisoformat(task.began_at), datetime.fromisoformat(task.ended_at)
    about = ("", task.modality, task.source, task.signal)
    return SignalWindow(*about, began_at=began, ended_at=ended, n=len(task.rows), **found)


def _inputs(known: SeenRecordings, asked: SeenRecordings, shift: Shift) -> MonitorInputs:
    """Return what a run would be given: windows in the order in which they fill, and the arrays."""
    modality, set_key = shift.modality, f"{shift.modality}/profile/{shift.dataset.replace('/', '|')}"
    tasks = []
    for name in WATCHED:
        counted = np.flatnonzero(asked.accepted if name != "refusals" else np.ones(len(asked), bool))
        if name == "groups":
            counted = counted[asked.groups[counted] >= 0]
        size = SIGNALS[name].size
        against = shift.dataset if name in ("embedding", "quality", "refusals") else COLLECTION
        for start in range(0, len(counted) - size + 1, size):
            rows = tuple(int(at) for at in counted[start : start + size])
            ends = [(datetime(2026, 1, 1) + timedelta(minutes=at)).isoformat() for at in (rows[0], rows[-1])]
            tasks.append(WindowTask(modality, "simulated", name, ends[0], ends[1], rows, (against,)))
    tasks.sort(key=lambda task: task.rows[-1])
    fine = known.take(np.flatnonzero(known.accepted))
    numbers = np.arange(len(fine))
    arrays = {
        f"{modality}/projected": asked.projected,
        f"{modality}/codes": asked.codes,
        f"{modality}/scores": asked.scores,
        f"{modality}/accepted": asked.accepted,
        f"{modality}/groups": asked.groups,
        f"{set_key}/projected": fine.projected,
        f"{set_key}/scores": fine.scores,
        f"{set_key}/gate": np.array([len(known), len(known) - len(fine)]),
        f"{modality}/{COLLECTION}/codes": fine.codes,
        f"{modality}/{COLLECTION}/patients": numbers,
        f"{modality}/{COLLECTION}/groups": fine.groups,
        f"{modality}/{COLLECTION}/usual": numbers,
    }
    return MonitorInputs("", tuple(tasks), arrays)


def _delays(delays: list[int | None]) -> dict[str, Any]:
    known = sorted(one for one in delays if one is not None)
    within = sum(one <= 50 for one in known)
    return {
        "median": None if not known else int(np.median(known)),
        "p95": None if not known else int(np.quantile(known, 0.95, method="higher")),
        "within_50": within,
        "missed": len(delays) - len(known),
    }


def _counted(quiet: list[list[str]]) -> dict[str, int]:
    names = [name for month in quiet for name in month]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def as_lines(found: dict[str, Any]) -> list[str]:
    """Return the figures in words."""
    delay, without = found["delay"], found["without"]
    by = ", ".join(f"{name} {n}" for name, n in found["noticed_by"].items())
    quiet = ", ".join(f"{name} {n}" for name, n in without["by"].items()) or "none"
    return [
        f"{found['shift']}: {found['modality']} of {found['hospital']}, {found['patients']} patients, "
        f"release {found['release']}",
        f"  noticed after {delay['median']} queries (median; 95 % within {delay['p95']}), within 50 in "
        f"{delay['within_50']} of {found['streams']} streams, missed in {delay['missed']}; first by: {by}",
        f"  without a shift {without['alarms']} alarms in {without['months']} months of {without['queries']:,} "
        f"queries ({quiet})",
    ]
