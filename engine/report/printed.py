"""What is printed of a teaching collection, on pages and on slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.annotation import Annotation
from engine.study import Study


@dataclass(frozen=True, eq=False)
class PrintedCase:
    """One case of a collection.

    study        : with its content; whoever makes the items leaves out those whose consent was withdrawn
    note         : what the teacher wrote
    labels       : of the collection's cohort, with who gave them in `label_source`
    hide_labels  : print neither labels, note, id nor origin, e.g. for a quiz on paper
    number       : its number in the collection; 0: as counted here
    annotations  : what the collection's maker and whoever exports it drew on it
    """

    study_id: str
    study: Study
    note: str = ""
    labels: tuple[str, ...] = ()
    label_source: str = ""
    cohort: str = ""
    licence: str = ""
    hide_labels: bool = False
    number: int = 0
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, eq=False)
class PrintedCollection:
    """What is printed: a title, a description, and the cases in their order.

    left_out : how many are not, because consent was withdrawn or the study deleted
    reports  : how many are not, because their words would give hidden labels away
    """

    title: str
    description: str
    items: Sequence[PrintedCase]
    left_out: int = 0
    reports: int = 0
