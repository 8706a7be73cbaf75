"""One case at reading size, wherever it is shown for teaching; without what would give its labels away if asked."""

from __future__ import annotations

from dataclasses import replace

from engine.study import Study
from pages.shared import content

HARMLESS = ("view", "synthetic")  # facts that may be shown while labels are hidden


def draw(study: Study, *, key: str, anonymous: bool = False) -> None:
    """Draw the case with the numbers behind it. key: a prefix of its widgets; anonymous: nothing of its origin."""
    shown = nameless(study) if anonymous else study
    content.draw(shown)
    content.numbers(shown)


def nameless(study: Study) -> Study:
    """Return the study without labels, report, origin and identifiers."""
    facts = {name: study.facts[name] for name in HARMLESS if name in study.facts}
    return replace(
        study, recognised="", identity=(), identity_note="", facts=facts, patient_key=None, fingerprint=""
    )  # fmt: skip
