"""Counter-examples: the nearest that are labelled, but not as the query is, and why just those labels."""

from __future__ import annotations

import numpy as np
import pytest

from engine import settings
from engine.actor import single_user
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.counterexamples import families
from engine.retrieval.search import Filters, counterexamples, search, search_like, search_part, search_stored
from engine.workspace.workspace import Workspace

STRANGER = settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"  # of a patient whom the small workspace does not hold


def labelled(workspace: Workspace, modality: str, *, normal: bool) -> str:
    """Return the id of the first study of a kind that is, or is not, labelled normal alone."""
    held = (
        (row.study_id, families(row.labels)) for row in workspace.all_rows() if row.modality == modality and row.labels
    )
    return next(study_id for study_id, found in held if ("normal" in found) == normal)


@pytest.mark.parametrize(("modality", "normal"), [("ecg", True), ("cxr", False)])
def test_a_labelled_query_meets_the_nearest_that_do_not_share_its_findings(
    workspace: Workspace, release: Release, modality: str, normal: bool
) -> None:
    found = search_stored(
        workspace, release, labelled(workspace, modality, normal=normal), Options(k=100), actor=single_user()
    )
    other = counterexamples(workspace, release, found, Options(k=3), actor=single_user())

    own = workspace.row(found.query_id, actor=single_user())
    assert (other.findings.basis, other.findings.labels) == ("labels", own.labels)
    assert set(other.findings.families) <= families(own.labels)
    assert other.answer is not None
    for into in ("cxr", "ecg", "ppg", "text"):
        far = [one for one in found.neighbours if one.modality == into and one.labels]
        far = [one.study_id for one in far if not families(one.labels) & set(other.findings.families)]
        assert [one.study_id for one in other.answer.neighbours if one.modality == into] == far[:3]
    assert own.patient_id not in {one.patient_id for one in other.answer.neighbours}
    newest = workspace.audit_rows(1)[0]
    assert (newest.kind, newest.query_id) == ("counter", found.query_id)
    assert newest.returned == tuple(one.study_id for one in other.answer.neighbours)


def test_filters_and_consent_hold_among_those_labelled_otherwise(workspace: Workspace, release: Release) -> None:
    found = search_stored(
        workspace, release, labelled(workspace, "ecg", normal=True), Options(k=5), actor=single_user()
    )
    free = counterexamples(workspace, release, found, Options(targets=("ecg",), k=50), actor=single_user())
    assert free.answer is not None
    gone = free.answer.neighbours[0]
    workspace.set_consent(gone.patient_id, False, actor=single_user())
    women = counterexamples(
        workspace, release, found, Options(targets=("ecg",), k=50, filters=Filters(sex="F")), actor=single_user()
    )
    assert women.answer is not None
    expected = [one.study_id for one in free.answer.neighbours if one.sex == "F" and one.patient_id != gone.patient_id]
    assert [one.study_id for one in women.answer.neighbours] == expected


@pytest.mark.parametrize(
    ("words", "basis"),
    [("pleural effusion", "words"), ("no pleural effusion", "nearest"), ("a tall person", "nearest")],
)
def test_words_name_their_finding_unless_they_deny_it(
    workspace: Workspace, release: Release, words: str, basis: str
) -> None:
    meant = counterexamples(
        workspace,
        release,
        search(workspace, release, read_text(words), Options(k=5), actor=single_user()),
        Options(k=4),
        actor=single_user(),
    ).findings
    assert meant.basis == basis
    if basis == "words":
        assert (meant.families, meant.names) == (("pleural_effusion",), ("pleural effusion",))


def test_an_uploaded_query_differs_from_what_its_nearest_often_have(workspace: Workspace, release: Release) -> None:
    found = search(workspace, release, read_paths([STRANGER]), Options(k=5), actor=single_user())
    meant = counterexamples(workspace, release, found, Options(k=4), actor=single_user()).findings
    held = [families(one.labels) for one in found.neighbours if one.labels]
    assert (meant.basis, meant.labelled) == ("nearest", len(held))
    assert meant.votes == sum(bool(one & set(meant.families)) for one in held) > 0


def test_a_part_is_labelled_as_the_whole_and_a_mean_as_its_cases(workspace: Workspace, release: Release) -> None:
    film = labelled(workspace, "cxr", normal=False)
    of_part = counterexamples(
        workspace,
        release,
        search_part(workspace, release, film, Options(), actor=single_user(), box=(0.2, 0.2, 0.8, 0.8)),
        Options(k=4),
        actor=single_user(),
    ).findings
    assert (of_part.basis, of_part.labels) == ("labels", workspace.row(film, actor=single_user()).labels)
    normal = [
        row.study_id for row in workspace.all_rows() if row.modality == "ecg" and families(row.labels) >= {"normal"}
    ]
    of_mean = counterexamples(
        workspace,
        release,
        search_like(workspace, release, [*normal[:3], film], Options(), actor=single_user()),
        Options(k=4),
        actor=single_user(),
    ).findings
    assert (of_mean.basis, of_mean.families, of_mean.votes, of_mean.labelled) == ("chosen", ("normal",), 3, 4)


def test_nothing_labelled_leaves_nothing_to_differ_from(workspace: Workspace, release: Release) -> None:
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE studies SET labels = []")
    before = len(workspace.audit_rows())
    found = search(workspace, release, read_paths([STRANGER]), Options(k=5), actor=single_user())
    other = counterexamples(workspace, release, found, Options(k=4), actor=single_user())
    assert other.answer is None and other.findings.families == ()
    assert len(workspace.audit_rows()) == before + 1


def test_how_many_remain_counts_what_may_be_returned(workspace: Workspace, release: Release) -> None:
    rows = [row for row in workspace.all_rows() if row.sex == "F" and (row.age or 0) >= 40]
    filters = Filters(sex="F", age_min=40)
    expected = {kind: int(np.sum([row.modality == kind for row in rows])) for kind in ("cxr", "ecg", "ppg", "text")}
    assert workspace.counts(filters, actor=single_user()) == {kind: n for kind, n in expected.items() if n}
    workspace.set_consent(rows[0].patient_id, False, actor=single_user())
    left = [row for row in rows if row.patient_id != rows[0].patient_id]
    assert sum(workspace.counts(filters, actor=single_user()).values()) == len(left)
