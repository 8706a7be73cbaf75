"""The radius of a query's own group, where a maintainer switched radii by group on (engine.evaluate.group_radii).

It takes the place of the radius of the operating point `balanced` at the full code length, which is what was measured;
it counts for whole recordings and films whose file or record says the group. Everybody else has the common radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.metrics.fairness import age_band
from engine.store.group_radii import in_use

if TYPE_CHECKING:
    from engine.store.database import Database
    from engine.study import Modality, Study

BITS, POINT = 256, "balanced"  # as engine.evaluate.fairness measures
AGE, SEX, VIEW = "age", "sex", "view"
KNOWN = (AGE, SEX, VIEW)  # what files and the record say of who asks, and groups are made by


@dataclass(frozen=True)
class GroupRadius:
    """One group's radius into one modality, bits of 256; `common` is everybody else's."""

    target: Modality
    by: str
    group: str
    radius: int
    common: int


def group_of(study: Study, by: str) -> str:
    """Return the group of a study by age, sex or view, as evaluations name it; "" where it is not known."""
    known = study.facts.get(by)
    return _age_group(known) if by == AGE else str(known or "")


def radii_of(database: Database, digest: str, study: Study) -> tuple[GroupRadius, ...]:
    """Return the radii of a query's own groups that are in use under a release."""
    mine = [one for one in in_use(database, digest) if one.query == study.modality]
    own = [(one, group) for one in mine if (group := group_of(study, one.by)) in one.radii]
    return tuple(GroupRadius(one.target, one.by, group, one.radii[group], one.common) for one, group in own)


def _age_group(years: Any) -> str:
    try:
        return age_band(float(years))
    except (TypeError, ValueError):
        return ""
