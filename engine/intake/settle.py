"""Which of two readings of a film holds, where the file can be read as either: the one that looks like a chest film."""

from __future__ import annotations

from dataclasses import replace

from engine.study import Study, fingerprint


def settled(study: Study) -> Study:
    """Return the study in one reading: the stated one, unless the other alone is nearer and among the known films."""
    other = study.other_reading
    if other is None:
        return study
    from engine.intake.quality.film import DISTANCE, chest_values
    from engine.intake.quality.verdict import limit

    (stated, _), (turned, _) = chest_values(study.film), chest_values(other)
    if turned < stated and limit("cxr", DISTANCE).allows(turned):
        film, said = other, "presentation shape not followed, since the film is nearer to chest films without it"
    else:
        film, said = study.film, "presentation shape followed against the photometric interpretation"
    named = f"{study.recognised}, {said}"
    return replace(study, content=film, recognised=named, other_reading=None, fingerprint=fingerprint(film))
