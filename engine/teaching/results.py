"""Results of a class: per question and per learner with 95 % intervals, and every answer as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from engine.plain_text import cell
from engine.store.filters import CONSENT_SQL
from engine.strings import notice
from engine.study import Modality
from engine.teaching import quizzes
from engine.workspace.workspace import Workspace

COLUMNS = (
    "quiz_id",
    "quiz_title",
    "learner",
    "attempt",
    "question",
    "study_id",
    "modality",
    "synthetic",
    "options",
    "labelled_as",
    "chosen",
    "right",
    "answered_at",
    "order",
    "seed",
    "notice",
)
ANSWERS = f"""
    SELECT u.alias, u.attempt, o.number, o.study_id, s.modality, s.synthetic, o.options, o.labelled, a.chosen,
        a.is_right, a.answered_at, u.question_order, u.seed
    FROM quiz_answers a JOIN quiz_runs u USING (run_id)
    JOIN run_questions r ON r.run_id = a.run_id AND r.place = a.place
    JOIN quiz_questions o ON o.quiz_id = r.quiz_id AND o.number = r.number
    JOIN studies s ON s.study_id = o.study_id
    WHERE u.quiz_id = ? AND {CONSENT_SQL} ORDER BY lower(u.alias), u.attempt, a.answered_at"""


@dataclass(frozen=True)
class Share:
    """right of n, and the 95 % interval of the share, 0..1; nothing is known of it where n is 0."""

    right: int
    n: int

    @property
    def value(self) -> float:
        """The share; NaN where n is 0."""
        return self.right / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of Wilson (1927), 0..1."""
        return wilson(self.right, self.n)


@dataclass(frozen=True)
class QuestionResult:
    """First attempts at one question; chosen: how often each option was, in the order of the options."""

    number: int
    study_id: str
    modality: Modality
    labelled: tuple[str, ...]
    share: Share
    chosen: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Results:
    """What a class answered; learners by alias, with their first attempts; unanswered questions have n = 0."""

    questions: tuple[QuestionResult, ...]
    learners: tuple[tuple[str, Share], ...]
    hidden: int


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927); 0 to 1 where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share, square = right / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def results(workspace: Workspace, quiz_id: str) -> Results:
    """Return the results of all first attempts; questions whose case may no longer be shown are left out."""
    quiz = quizzes.load(workspace, quiz_id)
    asked = workspace.database.read(
        "SELECT o.number, o.study_id, o.modality, o.labelled, o.options FROM quiz_questions o"
        f" JOIN studies s ON s.study_id = o.study_id WHERE o.quiz_id = ? AND {CONSENT_SQL} ORDER BY o.number",
        [quiz_id],
    )
    first = [row for row in workspace.database.read(ANSWERS, [quiz_id]) if row[1] == 1]
    questions = []
    for number, study_id, modality, labelled, options in asked:
        given = [row for row in first if row[2] == number]
        times = Counter(option for row in given for option in row[8])
        share = Share(sum(row[9] for row in given), len(given))
        chosen = tuple((option, times[option]) for option in options)
        questions.append(QuestionResult(number, study_id, modality, tuple(labelled), share, chosen))
    names = {row[0].casefold(): row[0] for row in first}
    own = {key: [row[9] for row in first if row[0].casefold() == key] for key in sorted(names)}
    learners = tuple((names[key], Share(sum(right), len(right))) for key, right in own.items())
    return Results(tuple(questions), learners, quiz.questions - len(asked))


def to_csv(workspace: Workspace, quiz_id: str, *, bom: bool = False) -> str:
    """Return every answer of every attempt, one per row, under COLUMNS; lists joined by `;`, times ISO 8601 in UTC.

    bom : begin with a byte order mark, so that Excel takes the file for UTF-8
    """
    quiz = quizzes.load(workspace, quiz_id)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (
        alias,
        attempt,
        number,
        study_id,
        modality,
        synthetic,
        options,
        labelled,
        chosen,
        right,
        when,
        order,
        seed,
    ) in workspace.database.read(ANSWERS, [quiz_id]):
        row: list[Any] = [
            quiz_id,
            quiz.title,
            alias,
            attempt,
            number,
            study_id,
            modality,
            _yes(synthetic),
            ";".join(options),
            ";".join(labelled),
            ";".join(chosen),
            _yes(right),
            f"{when.isoformat(timespec='seconds')}Z",
            order,
            seed,
            notice(),
        ]
        writer.writerow([cell(value) for value in row])
    return ("\ufeff" if bom else "") + out.getvalue()


def _yes(value: bool) -> str:
    return "yes" if value else "no"
