"""A closed reader study as a file for other programs of multi-reader multi-case analysis.

long  : a CSV with a row per reading and finding. MRMCaov reads its columns reader, treatment, case, truth and rating as
        they are, and so does `casebind study analyse`.
imrmc : the file of FDA's iMRMC, one finding of the cases that every reader read in both arms; RJafroc reads it too
        (`DfReadDataFile(format = "iMRMC")`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.plain_text import csv_text, one_line
from engine.reader_study.protocol import SCALES
from engine.reader_study.results import ClosedReaderStudy, crossed
from engine.store.reader_studies import ARMS, Reading
from engine.strings import notice

Layout = Literal["long", "imrmc"]
LAYOUTS: tuple[Layout, ...] = ("long", "imrmc")
COLUMNS = (
    "reader",
    "treatment",
    "case",
    "truth",
    "rating",
    "finding",
    "present",
    "session",
    "place",
    "seconds",
    "certainty",
    "washout_days",
    "notice",
)
TRUTH_READER, TRUTH_MODALITY = -1, 0  # of iMRMC, in the rows that state the truth


def as_long(study: ClosedReaderStudy) -> str:
    """Return every reading with an answer under COLUMNS, readers as R1, R2 … and cases by number."""
    firsts = {(one.reader, one.number): one for one in study.readings if one.session == 1}
    rows = [
        _row(study, one, finding, firsts.get((one.reader, one.number)))
        for finding in range(len(study.protocol.findings))
        for one in study.readings
    ]
    return csv_text(COLUMNS, rows, line_end="\n", bom=False)


def as_imrmc(study: ClosedReaderStudy, finding: int = 0) -> str:
    """Return the readings of one finding as an .imrmc file: arm 1 without neighbours, arm 2 with them."""
    found = crossed(study, finding)
    head = [
        one_line(f"{study.study.title}: {found.finding}"),
        f"N0: {int((~found.truth).sum())}",
        f"N1: {int(found.truth.sum())}",
        f"NR: {study.protocol.readers}",
        f"NM: {len(ARMS)}",
        "",
        "BEGIN DATA:",
    ]
    truth = [
        f"{TRUTH_READER},{number},{TRUTH_MODALITY},{int(one)}"
        for number, one in zip(found.numbers, found.truth, strict=True)
    ]
    scores = [
        f"{reader + 1},{number},{arm + 1},{found.ratings[arm, reader, at]:g}"
        for arm in range(len(ARMS))
        for reader in range(study.protocol.readers)
        for at, number in enumerate(found.numbers)
    ]
    return "\n".join([*head, *truth, *scores, ""])


def _row(study: ClosedReaderStudy, one: Reading, finding: int, first: Reading | None) -> Sequence[object]:
    given = one.judgement
    assert given is not None
    low, high = SCALES[study.protocol.scale]
    days = ""
    if one.session > 1 and first is not None and first.judgement is not None:
        days = f"{(given.answered_at - first.judgement.answered_at).total_seconds() / 86400:.2f}"
    rating = given.ratings[finding]
    return (
        f"R{one.reader}",
        one.arm,
        one.number,
        int(study.truth[one.number][finding]),
        rating,
        study.protocol.findings[finding],
        int(given.present[finding]),
        one.session,
        one.place,
        f"{given.visible_s:.1f}",
        f"{abs(2 * (rating - low) / (high - low) - 1):.3f}",
        days,
        notice(),
    )
