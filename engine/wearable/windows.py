"""Recordings → judged windows, and the best of every hour or day among them.

A recording of a minute or less, such as an ECG that somebody took, is one study as a whole. A longer one is cut into
windows of ten seconds, all of which the quality gate judges; of every hour (or day) the best accepted ones are kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.leads import phrase
from engine.intake.limited import read_limited
from engine.intake.pseudonyms import pseudonym
from engine.intake.quality.judge import judge
from engine.intake.quality.verdict import QualityVerdict
from engine.intake.upload import Answers, Upload
from engine.settings import SEARCH_WINDOW_S
from engine.study import Study, Trace, fingerprint
from engine.wearable.archive import Export
from engine.wearable.contents import ExportedRecording, recordings
from engine.wearable.rule import KeepRule, Per

WHOLE_S = 60.0  # seconds up to which a recording is one study as a whole
Bucket = tuple[int, str]
_ANSWERS = Answers(), Answers(units="au"), Answers(modality="ecg", units="au")  # to what an export leaves open, in turn


@dataclass(frozen=True, eq=False)
class JudgedWindow:
    """One accepted window, as a study of its own.

    start_s : seconds from the start of its recording
    moment  : when it began, by the clock of its recording
    whole   : whether it is the whole of a short recording, which no rule leaves out
    """

    study: Study
    start_s: float
    moment: datetime | None
    score: float
    whole: bool
    recording: int

    def bucket(self, per: Per) -> Bucket:
        """Return the hour or day in which it competes with others of its modality."""
        return bucket_of(self.moment, self.recording, self.start_s, per)


@dataclass(frozen=True, eq=False)
class Surveyed:
    """What was found in one recording.

    ident   : a keyed hash of its content, the same in every export that holds it; "" where it was not read
    seconds : its length; 0 where it was not read
    judged  : windows that the gate judged
    windows : those that it accepted and that the rule keeps, in the order of time
    refused : name of the first measure that a window failed → (how many windows, the gate's sentence of one of them)
    problem : why it was not read, in one sentence, else ""
    """

    number: int
    recording: ExportedRecording
    ident: str = ""
    modality: str = ""
    seconds: float = 0.0
    judged: int = 0
    accepted: int = 0
    windows: tuple[JudgedWindow, ...] = ()
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    problem: str = ""


def survey(
    export: Export,
    rule: KeepRule,
    key: bytes,
    *,
    first: int = 0,
    on_found: Callable[[int], object] = lambda n: None,
    background: bool = False,
) -> Iterator[Surveyed]:
    """Yield what each recording of an export holds, the earliest first; IntakeError where there is none at all.

    key        : the workspace's secret
    first      : how many recordings are known already, and are passed over
    on_found   : hears how many recordings there are, before the first is read
    background : whether reading goes behind other work of the machine
    """
    found = recordings(export)
    on_found(len(found))
    for number, recording in list(enumerate(found))[first:]:
        try:
            data = export.read(recording.member)
            study = _read(recording, data, key, background)
        except IntakeError as error:
            yield Surveyed(number, recording, problem=str(error))
            continue
        ident = (pseudonym(key, f"recording\n{hashlib.sha256(data).hexdigest()}") or "")[:16]
        yield _judged(number, recording, ident, study, rule)


def bucket_of(moment: datetime | None, recording: int, start_s: float, per: Per) -> Bucket:
    """Return the hour or day of a moment, in order; without one, that of a recording that says no time."""
    if moment is not None:
        return -1, moment.strftime("%Y-%m-%dT%H" if per == "hour" else "%Y-%m-%d")
    return recording, f"{start_s // (3600 if per == 'hour' else 86400):06.0f}"


def best_of(windows: Sequence[JudgedWindow], rule: KeepRule) -> list[JudgedWindow]:
    """Return the windows that the rule keeps, in their order; of one modality, the earlier one among equals."""
    kept = {at for at, one in enumerate(windows) if one.whole}
    taken: Counter[tuple[Bucket, str]] = Counter()
    for at in sorted(set(range(len(windows))) - kept, key=lambda i: (-round(windows[i].score, 6), i)):
        place = windows[at].bucket(rule.per), windows[at].study.modality
        if taken[place] < rule.best:
            taken[place] += 1
            kept.add(at)
    return [windows[at] for at in sorted(kept)]


def refusals(found: Sequence[Surveyed]) -> list[tuple[str, tuple[int, str]]]:
    """Return what windows were refused for over all recordings, the most frequent first; see `Surveyed.refused`."""
    total: dict[str, tuple[int, str]] = {}
    for one in found:
        for name, (n, sentence) in one.refused.items():
            total[name] = total.get(name, (0, sentence))[0] + n, total.get(name, (0, sentence))[1]
    return sorted(total.items(), key=lambda item: (-item[1][0], item[0]))


def _read(recording: ExportedRecording, data: bytes, key: bytes, background: bool) -> Study:
    """Read a recording in a process with limits; what a table leaves open is answered by what the source is."""
    suffix = ".avro" if recording.member.base.endswith(".avro") else ".csv"
    upload = [Upload(f"recording{suffix}", data)]
    for answers in _ANSWERS[:-1]:
        with suppress(QuestionError):
            return read_limited(upload, answers, key, background=background)
    return read_limited(upload, _ANSWERS[-1], key, background=background)


def _judged(number: int, recording: ExportedRecording, ident: str, study: Study, rule: KeepRule) -> Surveyed:
    trace = study.trace
    accepted: list[JudgedWindow] = []
    refused: dict[str, tuple[int, str]] = {}
    judged = 0
    for start, piece in _pieces(study):
        verdict, judged = judge(piece), judged + 1
        if verdict.accepted:
            moment = None if recording.began is None else recording.began + timedelta(seconds=start)
            whole = trace.duration_s <= WHOLE_S
            accepted.append(JudgedWindow(piece, start, moment, float(verdict.score), whole, number))
            continue
        name, sentence = _why(verdict)
        n, first = refused.get(name, (0, sentence))
        refused[name] = n + 1, first
    kept = tuple(map(_by_itself, best_of(accepted, rule)))
    return Surveyed(
        number,
        recording,
        ident,
        study.modality,
        trace.duration_s,
        judged=judged,
        accepted=len(accepted),
        windows=kept,
        refused=refused,
    )


def _pieces(study: Study) -> Iterator[tuple[float, Study]]:
    """Yield (start in seconds, study) of the whole or of each window of ten seconds."""
    trace = study.trace
    if trace.duration_s <= WHOLE_S:
        yield 0.0, study
        return
    for n in range(int(trace.duration_s // SEARCH_WINDOW_S)):
        start = n * SEARCH_WINDOW_S
        yield start, replace(study, content=trace.between(start, start + SEARCH_WINDOW_S), fingerprint="")


def _by_itself(window: JudgedWindow) -> JudgedWindow:
    """Return a window that no longer holds on to the whole recording in memory."""
    trace = window.study.trace
    if window.whole:
        return window
    own = Trace(np.array(trace.samples), trace.leads, trace.fs, trace.units)
    words = phrase(window.study.recognised.partition(",")[0], own)
    return replace(window, study=replace(window.study, content=own, recognised=words, fingerprint=fingerprint(own)))


def _why(verdict: QualityVerdict) -> tuple[str, str]:
    """Return the name of the first measure that failed, without its lead, and the gate's first sentence."""
    failed = next((one.name for one in verdict.measures if not one.passed), "quality")
    return failed.rpartition(": ")[2], verdict.reasons[0] if verdict.reasons else ""
