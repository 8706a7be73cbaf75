"""What a closed reader study holds: the readings as arrays and as files, under pseudonyms of readers and cases.

Nobody reads any of it before the study is closed, its maker included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.reader_study import design, protocol
from engine.reader_study.protocol import SCALES, Protocol
from engine.store import permission
from engine.store import reader_studies as table
from engine.store.acts import Act
from engine.store.reader_studies import ARMS, Arm, Reading, StoredReaderStudy
from engine.teaching import access
from engine.workspace.workspace import Workspace


@dataclass(frozen=True)
class ClosedReaderStudy:
    """A closed study: its readings with an answer, the truth by the cases' numbers, and its protocol.

    hidden : cases that may no longer be shown, which are left out
    """

    study: StoredReaderStudy
    protocol: Protocol
    readings: tuple[Reading, ...]
    truth: Mapping[int, tuple[bool, ...]]
    hidden: int

    @property
    def missing(self) -> int:
        """Readings of the plan that were not done, of cases that may be shown."""
        return 2 * self.protocol.readers * len(self.truth) - len(self.readings)


@dataclass(frozen=True, eq=False)
class CrossedReadings:
    """The readings of cases that every reader read in both arms; arrays of (2, readers, cases), without first.

    numbers : of the cases   truth : (cases,) bool
    certainty : 0..1, how far a rating lies from the middle of its scale
    left_out: cases that not every reader read in both arms
    """

    finding: str
    numbers: tuple[int, ...]
    truth: np.ndarray
    ratings: np.ndarray
    present: np.ndarray
    seconds: np.ndarray
    certainty: np.ndarray
    left_out: int


def closed(workspace: Workspace, reader_study_id: str, *, actor: Actor, export: bool = False) -> ClosedReaderStudy:
    """Return a closed study for its maker; UsageError while it is open. What is read is in the record.

    export : it leaves the workspace as a file, which asks for the right to export
    """
    if export:
        permission.require(workspace.database, actor, "export")
    access.require_maker(workspace, reader_study_id, actor=actor)
    study = design.load(workspace, reader_study_id, actor=actor)
    if study.closed_at is None:
        raise UsageError("This reader study is open, so nobody sees answers or truth: close it first.")
    seeing = actor.acting_for("teaching")
    found = table.readings(workspace.database, seeing, reader_study_id)
    truth = table.truths(workspace.database, seeing, reader_study_id)
    known = protocol.of_stored(study)
    done = tuple(one for one in found if one.judgement is not None)
    ids = tuple(sorted({one.study_id for one in done}))
    act = Act(
        "export" if export else "reader study analysed",
        returned=ids,
        about={"reader_study": reader_study_id, "protocol": study.digest},
    )
    workspace.database.audit.append(actor, workspace.database.with_patients(act))
    return ClosedReaderStudy(study, known, done, truth, known.cases - len(truth))


def crossed(study: ClosedReaderStudy, finding: int = 0) -> CrossedReadings:
    """Return the readings of one finding of a study, by its place in the protocol, as arrays."""
    by_key: dict[tuple[Arm, int, int], Reading] = {(one.arm, one.reader, one.number): one for one in study.readings}
    readers = range(1, study.protocol.readers + 1)
    whole = [
        number for number in study.truth if all((arm, reader, number) in by_key for arm in ARMS for reader in readers)
    ]
    given = [[[by_key[arm, reader, one].judgement for one in whole] for reader in readers] for arm in ARMS]
    shape = (len(ARMS), study.protocol.readers, len(whole))

    def array(kind: type, value: Sequence[object]) -> np.ndarray:
        return np.asarray(value, dtype=kind).reshape(shape)

    known = [one for arm in given for reader in arm for one in reader if one is not None]
    ratings = array(float, [one.ratings[finding] for one in known])
    low, high = SCALES[study.protocol.scale]
    return CrossedReadings(
        finding=study.protocol.findings[finding],
        numbers=tuple(whole),
        truth=np.asarray([study.truth[one][finding] for one in whole], dtype=bool),
        ratings=ratings,
        present=array(bool, [one.present[finding] for one in known]),
        seconds=array(float, [one.visible_s for one in known]),
        certainty=np.abs(2 * (ratings - low) / (high - low) - 1),
        left_out=len(study.truth) - len(whole),
    )
