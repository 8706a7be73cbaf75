"""One case at reading size, wherever it is shown for teaching; without what would give its labels away if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from engine.modalities import spec_of
from engine.reference import Polygon
from engine.store.quizzes import Region
from engine.study import Modality, Study, Trace
from pages.shared import viewer
from pages.shared.viewer import Panel, drawn

HARMLESS = ("synthetic",)  # facts that may be shown while labels are hidden


def draw_case(
    study: Study, *, key: str, anonymous: bool = False, height: str = viewer.HEIGHT, container: str = ""
) -> None:
    """Draw the case and under it the numbers behind it, without keys.

    key       : a prefix of its widgets
    anonymous : no origin, and nothing that gives its labels away
    height    : of the viewer, a CSS length
    container : key of the container around the viewer, where it has one
    """
    shown = anonymised(study) if anonymous else study
    with st.container(key=container or None):
        viewer.draw(shown, key=key, anonymous=anonymous, shortcuts=False, height=height)
    viewer.numbers(shown, key=key, anonymous=anonymous)


def regions_drawn(study: Study, *, key: str) -> list[Region]:
    """Return the boxes around the regions that were drawn in this session on a film shown without its origin."""
    found = drawn.in_session(Panel(anonymised(study), anonymous=True, shortcuts=False), key)
    rows, columns = study.film.pixels.shape[:2]
    boxes = []
    for one in found:
        if one.get("kind") == "region" and one.get("points"):
            across, down = zip(*one["points"], strict=True)
            boxes.append((min(across) / columns, min(down) / rows, max(across) / columns, max(down) / rows))
    return boxes


def mark_outlines(study: Study, outlines: Sequence[tuple[str, Polygon]], *, key: str) -> None:
    """Draw outlines on a film that is shown with its origin, each under its words, before it is drawn itself.

    outlines : words, "" for none, and points as shares of the film
    """
    rows, columns = study.film.pixels.shape[:2]
    shapes = [
        {
            "id": f"mark-{number}",
            "kind": "region",
            "shape": "polygon",
            "points": [[across * columns, down * rows] for across, down in points],
            "text": words,
        }
        for number, (words, points) in enumerate(outlines)
    ]
    drawn.put(Panel(study, shortcuts=False), key, shapes)


def anonymised(study: Study) -> Study:
    """Return the study without labels, report, origin and identifiers; its fingerprint stays for caches alone."""
    facts = {name: study.facts[name] for name in HARMLESS if name in study.facts}
    return replace(study, recognised="", identity=(), identity_note="", facts=facts, patient_key=None)


def column_shares(first: Modality, second: Modality) -> list[int]:
    """Return the shares of the width of two kinds side by side; a strip needs more room than a film or words."""
    if first == second:
        return [1, 1]
    return [3 if spec_of(modality).content is Trace else 2 for modality in (first, second)]
