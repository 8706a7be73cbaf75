"""Back to the archive: what a search found goes into the very study that its query was taken from.

A command waits for the archive as a job does; on a page the work goes on in a thread, and ends in one sentence within
seconds where the archive does not answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom import dcmread
from pydicom.dataset import Dataset

from engine.actor import Actor
from engine.background import ThreadJob
from engine.errors import CasebindError, UsageError
from engine.hospital.archive import FoundStudy, WantedStudies
from engine.hospital.fetching import objects_of
from engine.hospital.settings import archive_settings
from engine.hospital.way import Archive, open_archive
from engine.intake.dicom import WithinLimits
from engine.intake.limited import read_limited
from engine.intake.upload import Upload
from engine.report.dicom.back import objects_for
from engine.report.export import export
from engine.report.report import Report
from engine.report.shown_window import ShownFilm, ShownWindow, shown_film
from engine.report.writers import ExportRequest
from engine.retrieval.answer import Answer
from engine.store.permission import require
from engine.study import Study
from engine.workspace.workspace import Workspace

STEPS = ("comparing", "making", "storing")
BULK = ("PixelData", "WaveformSequence")  # references need the header alone


@dataclass(frozen=True)
class SentBack:
    """What the archive holds by now: names of SOP classes of the objects, and how many cases they tell of."""

    objects: tuple[str, ...]
    cases: int


def send_back(
    workspace: Workspace, answer: Answer, wanted: WantedStudies, cases: tuple[str, ...] = (), *, actor: Actor
) -> SentBack:
    """Send a report, a key object selection and a picture of an answer into the study of its query.

    What the actor drew on the query's film goes with them, as a presentation state.
    wanted : finds the one study; it has to hold the query's own film or recording, to the last pixel or sample
    The archive has been asked for every object again when this returns. Raises UsageError with one sentence; nothing
    counts as sent then.
    """
    require(workspace.database, actor, "fetch")
    archive = open_archive(archive_settings(workspace.path), in_job=True)
    return _sent(workspace, archive, _only(archive.find(wanted)), answer, cases, actor=actor)


class SendJob(ThreadJob):
    """Sends an answer into a study of the archive, in a thread. study: of the archive; sent: what is there at the end.

    Its steps are "comparing", "making" and "storing".
    """

    failure, advice = "The result could not be sent", "nothing counts as sent, try again"

    def __init__(self, study: FoundStudy) -> None:
        super().__init__("comparing")
        self.study = study
        self.sent: SentBack | None = None

    def begin(
        self,
        workspace: Workspace,
        answer: Answer,
        cases: tuple[str, ...],
        window: ShownWindow | None = None,
        *,
        actor: Actor,
    ) -> None:
        """Send in a thread; return at once. NotPermittedError for whom the archive is not.

        window : that the actor set on the query's film; None for none
        """
        require(workspace.database, actor, "fetch")
        archive = open_archive(archive_settings(workspace.path))

        def work() -> None:
            self.sent = _sent(
                workspace, archive, self.study, answer, cases, window=window, actor=actor, on_step=self._reach
            )

        self.start("send back", work)

    def _reach(self, step: str) -> None:
        self.step, self.share = step, STEPS.index(step) / len(STEPS)


def _sent(
    workspace: Workspace,
    archive: Archive,
    study: FoundStudy,
    answer: Answer,
    cases: tuple[str, ...],
    *,
    window: ShownWindow | None = None,
    actor: Actor,
    on_step: Callable[[str], object] = lambda step: None,
) -> SentBack:
    """Send what belongs to an answer into a study that holds its query."""
    on_step("comparing")
    original, shown = _original(workspace, archive, study, answer.study, window)
    on_step("making")
    made: list[Dataset] = []

    def write(report: Report, _: ExportRequest) -> bytes:
        made[:] = objects_for(report, original, shown)
        return b""

    exported = export(workspace, None, answer, ExportRequest("dicom", cases), actor=actor, write=write)
    on_step("storing")
    archive.store(study.uid, made)
    names = tuple(one.SOPClassUID.name for one in made)
    about = {"objects": list(names), "export": exported.audit_id}
    workspace.audit(
        "sent to the archive", actor=actor, query_id=answer.query_id, returned=exported.study_ids, about=about
    )
    return SentBack(names, len(exported.study_ids))


def _only(found: list[FoundStudy]) -> FoundStudy:
    if len(found) != 1:
        raise UsageError(f"The archive has {len(found)} studies like that, and one is written to: name its accession.")
    return found[0]


def _original(
    workspace: Workspace, archive: Archive, study: FoundStudy, query: Study, window: ShownWindow | None
) -> tuple[Dataset, ShownFilm | None]:
    """Return the header of the query's own object in a study, and what a window shows of its stored values.

    Raises UsageError where the study does not hold it.
    """
    for one in objects_of(archive, study):
        file = archive.fetch(one)
        try:
            found = read_limited([Upload("object.dcm", file)], key=workspace.key)
        except CasebindError:
            continue
        if found.fingerprint == query.fingerprint:
            header = dcmread(WithinLimits(file))
            shown = None if window is None else shown_film(window, header.pixel_array, query.film.pixels)
            for name in BULK:
                if name in header:
                    delattr(header, name)
            return header, shown
    raise UsageError(
        "The study does not hold the film or recording of this query, so nothing is sent: name the study it is from."
    )
