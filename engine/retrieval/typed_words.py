"""What typed words were understood as, and what the collection has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.findings import Mention

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class LabelCount:
    """How many studies of one modality are labelled with all of some findings; where negated, with none of them.

    instead_of : the finding that was asked for, of which nothing is labelled; "" where that is what was counted
    """

    findings: tuple[str, ...]
    studies: int
    negated: bool = False
    instead_of: str = ""


@dataclass(frozen=True)
class TypedWords:
    """What typed words were understood as.

    counts           : per target modality, what is labelled so
    labelled_as      : study id → those of the findings that it is labelled with; a returned study that is missing here
                       is near the words alone
    side_recorded    : whether a label or a report of what was found names a side; None where the words name none
    near_in_spelling : findings spelt alike, and near_in_meaning near in the release's space; where none was understood
    by_meaning       : whether the words' embedding alone was searched, without labels
    """

    understood: tuple[Mention, ...]
    counts: Mapping[str, tuple[LabelCount, ...]] = field(default_factory=lambda: NOTHING)
    labelled_as: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NOTHING)
    side_recorded: bool | None = None
    near_in_spelling: tuple[str, ...] = ()
    near_in_meaning: tuple[str, ...] = ()
    by_meaning: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what `casebind search --json` prints of typed words beside the neighbours."""
        understood = [{"finding": one.finding, "negated": one.negated, "side": one.side} for one in self.understood]
        labelled = {
            modality: [
                {"findings": list(one.findings), "negated": one.negated, "studies": one.studies} for one in counts
            ]
            for modality, counts in self.counts.items()
        }
        return {
            "understood": understood,
            "typed": {
                "by_meaning": self.by_meaning,
                "labelled": labelled,
                "side_recorded": self.side_recorded,
                "near_in_spelling": list(self.near_in_spelling),
                "near_in_meaning": list(self.near_in_meaning),
            },
        }
