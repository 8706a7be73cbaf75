"""A part of a query as a query of its own: a box on its film, or a stretch of its trace.

The part keeps the whole recording, so that it is drawn and known again; facts["region"] or the window say what of it is
searched, facts["part_of"] of which whole query it is a part. What was recognised says it too, wherever it is shown or
exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.modalities import spec_of
from engine.model import region
from engine.settings import SEARCH_WINDOW_S
from engine.study import Film, Study, Trace

if TYPE_CHECKING:
    from engine.intake.quality.verdict import QualityVerdict


def part_of(study: Study, query_id: str, box: Sequence[float] | None, stretch: tuple[float, float] | None) -> Study:
    """Return the study of which only the box or the stretch is searched; UsageError where it has no such part."""
    facts = {name: value for name, value in study.facts.items() if name not in ("region", "stretch")}
    facts |= {"part_of": facts.get("part_of", query_id), "whole": facts.get("whole", study.recognised)}
    if box is not None and isinstance(study.content, Film):
        edges = region.checked(box)
        named = "the box from {:.0%} to {:.0%} across and {:.0%} to {:.0%} down".format(*edges[::2], *edges[1::2])
        return replace(study, recognised=f"{facts['whole']}, {named}", facts={**facts, "region": list(edges)})
    if stretch is not None and isinstance(study.content, Trace):
        start, end = checked(study.content, study.modality, stretch)
        named = f"{facts['whole']}, {start:g} to {end:g} s of it"
        return replace(study, recognised=named, facts={**facts, "stretch": True}, window_s=(start, end))
    raise UsageError("Only films have regions and only recordings have stretches: choose a part that the query has.")


def window_from(study: Study, start: float) -> Study:
    """Return a study whose searched window begins `start` seconds into its recording; UsageError where it cannot."""
    if not isinstance(study.content, Trace):
        raise UsageError("Only recordings have a time to start from: leave --start out.")
    last = min(start + SEARCH_WINDOW_S, study.content.duration_s)
    window = checked(study.content, study.modality, (start, last))
    named = f"{study.recognised}, {window[0]:g} to {window[1]:g} s of it"
    return replace(study, recognised=named, facts={**study.facts, "stretch": True}, window_s=window)


def checked(trace: Trace, modality: str, stretch: tuple[float, float]) -> tuple[float, float]:
    """Return (start, end) in seconds; UsageError where it is too short, too long or not within the recording."""
    start, end = (round(float(second), 2) for second in stretch)
    shortest, last = spec_of(modality).shortest_s, trace.duration_s
    if not 0 <= start < end <= last + 0.01:
        raise UsageError(
            f"The stretch from {start:g} to {end:g} s is not within the recording: choose one from 0 to {last:.1f} s."
        )
    if end - start < shortest - 1e-6 or end - start > SEARCH_WINDOW_S + 1e-6:
        raise UsageError(
            f"The stretch lasts {end - start:.3g} s and {shortest:g} to {SEARCH_WINDOW_S:g} s are searched at once: "
            "move its start or its end."
        )
    return start, min(end, last)


def judge_part(study: Study) -> QualityVerdict:
    """Return the quality gate's verdict on a stretch."""
    from engine.intake.quality.judge import judge

    return judge(study)
