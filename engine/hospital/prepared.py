"""What the process that prepares objects is asked, and what it answers (engine.hospital.preparing_process)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from engine.intake.messages import Message, study_in, study_message
from engine.store.records import ContentFile
from engine.study import Note, Study
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import Outcome


@dataclass(frozen=True)
class Task:
    """One object that is to be prepared: a file of the inbox, or a text.

    is_upload : whether the file is no DICOM object
    source    : who sent the object; objects of one source may share a reader. "" for a reader of its own
    why       : what is on record of it, one of `film_text.CHOSEN` where somebody has chosen
    """

    file: str = ""
    text: str = ""
    is_upload: bool = False
    source: str = ""
    why: str = ""


@dataclass(frozen=True, eq=False)
class PreparedObject:
    """What became of one task.

    study    : without its content, which `file` is; None where it could not be read
    is_read  : whether it was read, de-identified and looked at
    question : why somebody has to look, or to answer; "" for nothing
    reason, score, embedding, code, file : as of `engine.workspace.pipeline.Outcome`
    """

    study: Study | None
    is_read: bool
    question: str
    reason: str
    score: float
    embedding: np.ndarray
    code: np.ndarray
    file: ContentFile | None

    def outcome(self, entry: StudyEntry) -> Outcome:
        """Return the outcome of the entry of the same object, with the facts that the entry states."""
        known = None if self.study is None else replace(self.study, facts={**self.study.facts, **entry.facts})
        study = known if not self.question else None
        return Outcome(entry, study, self.score, self.reason, self.embedding, self.code, self.file)


def request(number: int, tasks: Sequence[Task], key: bytes, *, looks: bool, at_once: int) -> Message:
    """Return what asks for tasks to be prepared.

    key : of the workspace; looks : whether text in films is looked for; at_once : processors that work at it
    """
    body = {"number": number, "tasks": [asdict(one) for one in tasks], "looks": looks, "at_once": at_once}
    return Message(body, [key])


def tasks_in(message: Message) -> list[Task]:
    """Return the tasks of a request."""
    return [Task(**one) for one in message.body["tasks"]]


def answer(number: int, made: Sequence[PreparedObject]) -> Message:
    """Return the answer to the request of that number."""
    parts: list[bytes] = []
    return Message({"number": number, "prepared": [_out(one, parts) for one in made]}, parts)


def prepared_in(message: Message) -> list[PreparedObject]:
    """Return what an answer holds."""
    return [_in(one, message) for one in message.body["prepared"]]


def _out(one: PreparedObject, parts: list[bytes]) -> dict[str, Any]:
    first = len(parts)
    parts += [one.embedding.astype(np.float32).tobytes(), one.code.tobytes()]
    parts += [] if one.file is None else [one.file.data]
    return {
        "study": None if one.study is None else study_message(replace(one.study, content=Note(""))).body,
        "is_read": one.is_read,
        "question": one.question,
        "reason": one.reason,
        "score": one.score,
        "first": first,
        "suffix": None if one.file is None else one.file.suffix,
    }


def _in(given: dict[str, Any], message: Message) -> PreparedObject:
    first, suffix = int(given["first"]), given["suffix"]
    return PreparedObject(
        None if given["study"] is None else study_in(Message(given["study"])),
        bool(given["is_read"]),
        str(given["question"]),
        str(given["reason"]),
        float(given["score"]),
        np.frombuffer(message.parts[first], np.float32),
        np.frombuffer(message.parts[first + 1], np.uint8),
        None if suffix is None else ContentFile(bytes(message.parts[first + 2]), str(suffix)),
    )
