"""Radii by group that a release's recorded figures offer for searches, and their switching on and off.

Offered is what `casebind evaluate fairness --record` found: a gap of equalized odds that is more than chance, radii
that bring it inside its band on patients who did not choose them, at a loss of two percent at most
(engine.metrics.fairness_radii). The figures must be of the release that serves, since a round's release has other codes
than its base, and the groups must be such as files and the record name of who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.evaluate.recorded import recorded
from engine.retrieval.group_radius import KNOWN
from engine.store import group_radii
from engine.store.group_radii import GroupRadii

if TYPE_CHECKING:
    from engine.actor import Actor
    from engine.model.release import Release
    from engine.workspace.workspace import Workspace

NAME = "fairness"
NOT_OFFERED = (
    "The figures of the release that serves do not offer these radii any more: look at the page again, then choose."
)


@dataclass(frozen=True)
class OfferedRadii:
    """Radii that may be switched on, and whether they are; trial: as recorded, the gaps and what is kept."""

    radii: GroupRadii
    trial: Mapping[str, Any]
    on: bool


def offered(workspace: Workspace, release: Release) -> list[OfferedRadii]:
    """Return what the serving release's own figures offer, in the order of its comparisons."""
    kept = recorded(release, NAME)
    if kept is None:
        return []
    used = group_radii.in_use(workspace.database, release.digest)
    found = [(one, of_section(one)) for one in kept.measured["sections"]]
    return [OfferedRadii(radii, one["radii"], radii in used) for one, radii in found if radii is not None]


def of_section(section: Mapping[str, Any]) -> GroupRadii | None:
    """Return the radii that one comparison offers for searches; None where it offers none."""
    trial = section.get("radii")
    if not trial or not trial["offered"] or section["by"] not in KNOWN:
        return None
    query, target, source, by = (section[name] for name in ("query", "target", "source", "by"))
    return GroupRadii(query, target, source, by, trial["common"], trial["radii"])


def switch(workspace: Workspace, release: Release, chosen: GroupRadii, *, on: bool, actor: Actor) -> None:
    """Switch radii on or off from the next search on; what is on for the same modalities by another attribute ends.

    Raises UsageError where the serving release's figures do not offer them, NotPermittedError where the actor may not.
    """
    if not on:
        group_radii.switch_off(workspace.database, release.digest, chosen, actor=actor)
        return
    if chosen not in [one.radii for one in offered(workspace, release)]:
        raise UsageError(NOT_OFFERED)
    group_radii.switch_on(workspace.database, release.digest, chosen, actor=actor)
