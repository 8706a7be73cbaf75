"""What is done about text that was found in a film: blacked out, kept on somebody's word, or the film is left out.

Nothing of a flagged film is stored before one of the three was chosen. What was found and what was done about it stay
with the study, in facts["burned_in"]: {"by": what looked, "boxes": [[left, top, right, bottom], …], "choice": …}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from engine.errors import IntakeError
from engine.intake.burned_in import is_available, looked_by, need, text_boxes
from engine.intake.identity import SAYS_SO
from engine.study import Box, Film, IdentityRow, Study, fingerprint

Choice = Literal["black-out", "keep", "refuse"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
ACT = "text in a film"  # its kind in the audit
FACT = "burned_in"
ELEMENT = "text in the picture"

LOOKED = "Text was looked for in the picture; small or faint text can be missed: look at it before you share it."
BLACKED_OUT = (
    "Text in the picture was blacked out where it was found; small or faint text can be missed: look at it before you "
    "share it."
)
KEPT = (
    "Text was found in the picture and kept, as somebody said that it identifies nobody: look at it before you share "
    "it."
)


@dataclass(frozen=True, eq=False)
class Looked:
    """A study after text was looked for, where that can be done.

    study      : says that text was looked for where none was found, else as it was
    boxes      : where a film seems to carry text
    is_flagged : whether somebody has to choose before the study is stored: it seems to carry text, or its file says so
    """

    study: Study
    boxes: tuple[Box, ...] = ()
    is_flagged: bool = False


def may_hold_text(study: Study) -> bool:
    """Return whether text is looked for in a study: in films that are not known to be synthetic, by the extra `ocr`."""
    return isinstance(study.content, Film) and not study.facts.get("synthetic") and is_available()


def look(study: Study, find: Callable[[Film], tuple[Box, ...] | None] = text_boxes) -> Looked:
    """Look for text in a study, where it may hold some.

    find : returns the boxes of text in a film, None where it could not look
    """
    boxes = find(study.film) if may_hold_text(study) else None
    if boxes is None:
        return Looked(study)
    if boxes or study.facts.get(SAYS_SO):
        return Looked(study, boxes, is_flagged=True)
    return Looked(_noted(study, LOOKED, (), ""))


def after_choice(study: Study, boxes: Sequence[Box], choice: Choice) -> Study:
    """Return a flagged film after somebody's choice, with what was done in its identity table, note and facts.

    boxes : what `engine.intake.burned_in.text_boxes` returned for the study
    Raises IntakeError where the film is left out.
    """
    if choice == "refuse":
        raise IntakeError(refusal(boxes))
    if choice == "keep":
        row = IdentityRow(ELEMENT, "kept", "somebody said that it identifies nobody")
        return _noted(replace(study, identity=(*study.identity, row)), KEPT, boxes, choice)
    film = blacked_out(study.film, boxes)
    row = IdentityRow(ELEMENT, "removed", "blacked out")
    named = f"{study.recognised}, text blacked out"
    changed = replace(
        study, content=film, recognised=named, identity=(*study.identity, row), fingerprint=fingerprint(film)
    )
    return _noted(changed, BLACKED_OUT, boxes, choice)


def blacked_out(film: Film, boxes: Sequence[Box]) -> Film:
    """Return the film with black, its lowest value, in every pixel that a box touches."""
    pixels = np.array(film.pixels)
    height, width = pixels.shape
    for left, top, right, bottom in boxes:
        rows = slice(int(np.floor(top * height)), int(np.ceil(bottom * height)))
        columns = slice(int(np.floor(left * width)), int(np.ceil(right * width)))
        pixels[rows, columns] = 0
    return replace(film, pixels=pixels)


def refusal(boxes: Sequence[Box]) -> str:
    """Return the sentence for a film that is left out, which names no word that was read."""
    seems = (
        f"seems to carry text in {len(boxes)} place{'s' * (len(boxes) > 1)}"
        if boxes
        else "carries text, as its file says"
    )
    return (
        f"The film {seems}, which may name its patient, and is left out: look at it, then take it with --burned-in "
        "black-out or --burned-in keep."
    )


class Screen:
    """What is done about text in the films that pass, one choice for all of them, and how many there were.

    choice  : "refuse" where none is given; "keep" takes films as they are, without looking
    films   : that passed, those known to be synthetic left out
    looked  : in how many of them text was looked for
    flagged : how many of them seem to carry some, or say so
    Raises UsageError where films are to be blacked out, or refused, and the extra `ocr` is not installed.
    """

    def __init__(self, choice: Choice | None = None) -> None:
        if choice in ("black-out", "refuse"):
            need()
        self.choice: Choice = choice or "refuse"
        self.films = self.looked = self.flagged = 0

    def passed(self, study: Study) -> Study:
        """Return a study after the choice; IntakeError where it is a film that is left out."""
        if not isinstance(study.content, Film) or study.facts.get("synthetic"):
            return study
        self.films += 1
        if self.choice == "keep" or not is_available():
            return study
        looked = look(study)
        self.looked += 1
        if not looked.is_flagged:
            return looked.study
        self.flagged += 1
        return after_choice(study, looked.boxes, self.choice)

    @property
    def about(self) -> dict[str, Any]:
        """What the record says of it."""
        counts = {"films": self.films, "looked at": self.looked, "flagged": self.flagged}
        return {"choice": self.choice, **counts, **({"by": looked_by()} if self.looked else {})}

    @property
    def said(self) -> str:
        """One line on what was done, for a person at a terminal; "" where there was no film."""
        if not self.films:
            return ""
        if not self.looked:
            why = "as asked" if self.choice == "keep" else "since the extra ocr is not installed"
            return f"Text burned into {self.films} film{'s' * (self.films > 1)} was not looked for, {why}."
        done = "blacked out" if self.choice == "black-out" else "skipped"
        return (
            f"Text was looked for in {self.looked} film{'s' * (self.looked > 1)}: {self.flagged} seemed to carry some "
            f"({done}); small or faint text can be missed."
        )


def _noted(study: Study, note: str, boxes: Sequence[Box], choice: str) -> Study:
    done: dict[str, Any] = {"by": looked_by(), "boxes": [list(box) for box in boxes], "choice": choice}
    return replace(study, identity_note=note, facts={**study.facts, FACT: done})
