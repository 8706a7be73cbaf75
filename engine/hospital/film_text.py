"""Text in the pictures of objects that nobody drops on a page: it sets them aside until somebody has chosen.

What the header says comes first, as it is free. Then the picture is looked at, by the extra `ocr` where pacs.toml does
not say otherwise, in a process with limits (engine.intake.limited).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import IntakeError
from engine.intake import identity
from engine.intake.burned_in import is_available
from engine.intake.burned_in_choice import Choice, after_choice, look, may_hold_text
from engine.intake.limited import text_boxes_limited
from engine.study import Film, Study

SAYS_SO: Final = "The file says that text is burned into the picture: it is kept aside until somebody has looked."
SECONDARY: Final = (
    "The file says that its picture was made of another one, on which text is common, and nothing here looks for it: "
    "it is kept aside until somebody has looked."
)
SEEMS: Final = "The picture seems to carry text that may name its patient: it is kept aside until somebody has looked."
PICTURE: Final = (
    "A picture that comes by itself may carry text that names its patient, and nothing here looks for it: it is kept "
    "aside until somebody has looked."
)
NOT_LOOKED: Final = (
    "Text could not be looked for in the picture within its limits: it is kept aside until somebody has looked."
)
NO_PLACE: Final = (
    "No place of text was found that could be blacked out: look at the picture, then say that nothing identifies the "
    "patient, or leave it out."
)
WAITS = (SAYS_SO, SECONDARY, SEEMS, PICTURE, NOT_LOOKED, NO_PLACE)  # why an object waits for somebody to look
LOOKED: Final = "Somebody has looked: the text does not identify the patient."
BLACKENED: Final = "Somebody has looked: the text is to be blacked out."
LEFT_OUT: Final = "Somebody has looked: the text may identify the patient, and the film is left out."
CHOSEN: dict[Choice, str] = {"keep": LOOKED, "black-out": BLACKENED, "refuse": LEFT_OUT}


@dataclass(frozen=True)
class FilmText:
    """How pictures are looked at. looks: whether text is looked for, where the extra `ocr` is there"""

    looks: bool = True

    @property
    def can_look(self) -> bool:
        """Whether text is looked for at all."""
        return self.looks and is_available()

    def header_sets_aside(self, why: str, *, says_so: bool, is_secondary: bool) -> str:
        """Return why an object is set aside by its header alone; "" where it is not.

        why : what is on record of it, one of `CHOSEN` where somebody has chosen
        """
        if why in CHOSEN.values():
            return ""
        if says_so:
            return SAYS_SO
        return SECONDARY if is_secondary and not self.can_look else ""

    def passed(self, study: Study, why: str) -> Study:
        """Return a study after what was chosen, or after text was looked for; `WaitsError` where somebody has to look.

        why : what is on record of the object
        """
        if not isinstance(study.content, Film) or not may_hold_text(study):
            return _without_look(study, why)
        if why == LOOKED:
            return after_choice(study, (), "keep")
        if why != BLACKENED and not self.looks:
            return study
        boxes = text_boxes_limited(study.film)
        if boxes is None:
            raise WaitsError(NOT_LOOKED)
        if why == BLACKENED:
            if not boxes:
                raise WaitsError(NO_PLACE)
            return after_choice(study, boxes, "black-out")
        found = look(study, lambda film: boxes)
        if found.is_flagged:
            raise WaitsError(SEEMS)
        return found.study

    def upload_passed(self, study: Study, why: str) -> Study:
        """Return as `passed` does a study whose header was not looked at before, or that had none."""
        if isinstance(study.content, Film) and why not in CHOSEN.values():
            if study.facts.get(identity.SAYS_SO):
                raise WaitsError(SAYS_SO)
            if not self.can_look:
                raise WaitsError(PICTURE)
        return self.passed(study, why)


class WaitsError(IntakeError):
    """An object waits for somebody to look at its picture; the sentence is one of `WAITS`."""


def _without_look(study: Study, why: str) -> Study:
    if why == BLACKENED and isinstance(study.content, Film):
        raise WaitsError(NO_PLACE)
    return study
