"""Recordings → judged windows, and the best of every hour or day among them.

A recording of a minute or less, such as an ECG that somebody took, is one study as a whole. A longer one is cut into
windows of ten seconds, all of which the quality gate judges; of every hour (or day) the best accepted ones are kept.
Where accelerations were recorded too, windows in which the wrist moved come after all others.
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
from engine.wearable.motion import MOVED_G, Motion, read_motion
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
    enmo_g  : how much the wrist moved, in g (engine.wearable.motion); None where that is not known
    """

    study: Study
    start_s: float
    moment: datetime | None
    score: float
    whole: bool
    recording: int
    enmo_g: float | None = None

    @property
    def moved(self) -> bool:
        """Whether the wrist is known to have moved."""
        return self.enmo_g is not None and self.enmo_g > MOVED_G

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
    moved   : accepted windows in which the wrist moved; None where no accelerations were recorded
    problem : why it was not read, in one sentence, else ""
    remark  : what was read without, in one sentence, else ""
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
    moved: int | None = None
    problem: str = ""
    remark: str = ""


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
        motion, remark = _motion(export, recording)
        ident = (pseudonym(key, f"recording\n{hashlib.sha256(data).hexdigest()}") or "")[:16]
        yield replace(_judged(number, recording, study, motion, rule), ident=ident, remark=remark)


def bucket_of(moment: datetime | None, recording: int, start_s: float, per: Per) -> Bucket:
    """Return the hour or day of a moment, in order; without one, that of a recording that says no time."""
    if moment is not None:
        return -1, moment.strftime("%Y-%m-%dT%H" if per == "hour" else "%Y-%m-%d")
    return recording, f"{start_s // (3600 if per == 'hour' else 86400):06.0f}"


def best_of(windows: Sequence[JudgedWindow], rule: KeepRule) -> list[JudgedWindow]:
    """Return the windows that the rule keeps, in their order: still ones first, of a modality the earlier of equals."""
    kept = {at for at, one in enumerate(windows) if one.whole}
    taken: Counter[tuple[Bucket, str]] = Counter()
    for at in sorted(set(range(len(windows))) - kept, key=lambda i: (windows[i].moved, -round(windows[i].score, 6), i)):
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


def _motion(export: Export, recording: ExportedRecording) -> tuple[Motion | None, str]:
    """Return the motion recorded beside a pulse wave, and why there is none where it is damaged."""
    if recording.motion is None or recording.began is None:
        return None, ""
    try:
        return read_motion(export.read(recording.motion)), ""
    except IntakeError as error:
        return None, str(error)


def _judged(number: int, recording: ExportedRecording, study: Study, motion: Motion | None, rule: KeepRule) -> Surveyed:
    trace = study.trace
    accepted: list[JudgedWindow] = []
    refused: dict[str, tuple[int, str]] = {}
    judged = 0
    for start, piece in _pieces(study):
        verdict, judged = judge(piece), judged + 1
        if verdict.accepted:
            moment = None if recording.began is None else recording.began + timedelta(seconds=start)
            whole, seconds = trace.duration_s <= WHOLE_S, piece.trace.duration_s
            enmo = None if motion is None or moment is None else motion.enmo(moment, seconds)
            accepted.append(JudgedWindow(piece, start, moment, float(verdict.score), whole, number, enmo))
            continue
        name, sentence = _why(verdict)
        n, first = refused.get(name, (0, sentence))
        refused[name] = n + 1, first
    kept = tuple(map(_by_itself, best_of(accepted, rule)))
    return Surveyed(
        number,
        recording,
        modality=study.modality,
        seconds=trace.duration_s,
        judged=judged,
        accepted=len(accepted),
        windows=kept,
        refused=refused,
        moved=None if motion is None else sum(one.moved for one in accepted),
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
