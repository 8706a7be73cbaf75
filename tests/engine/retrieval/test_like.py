"""More like these: the mean of several codes as a query, without the cases it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from engine import settings
from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.explain.attribution import explain_pair
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.report.export import export
from engine.report.writers import ExportRequest
from engine.retrieval.search import Options, search, search_like, search_stored
from engine.workspace.workspace import Workspace


def ids(workspace: Workspace, modality: str, n: int) -> list[str]:
    return [row.study_id for row in workspace.all_rows() if row.modality == modality][:n]


def bits(workspace: Workspace, release: Release, study_id: str) -> np.ndarray:
    """Return the code of a study of the workspace as 256 zeros and ones."""
    embedding = workspace.embeddings(release.name, [study_id])
    return np.unpackbits(
        release.codes(embedding, workspace.row(study_id, actor=single_user()).modality)[0], bitorder="little"
    )


def mean_bits(hexed: str) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(hexed), np.uint8), bitorder="little")


def test_each_bit_is_the_one_that_most_of_the_cases_have(workspace: Workspace, release: Release) -> None:
    chosen = [*ids(workspace, "ecg", 2), *ids(workspace, "cxr", 1)]
    found = search_like(workspace, release, chosen, Options(), actor=single_user())
    votes = np.sum([bits(workspace, release, one) for one in chosen], axis=0)
    assert np.array_equal(mean_bits(found.code_hex), votes >= 2)
    assert found.study.recognised == "the mean of 1 chest film, 2 ECGs"
    assert found.study.facts["synthetic"] is True


def test_two_cases_make_a_query_between_them_and_one_its_own_code(workspace: Workspace, release: Release) -> None:
    first, second = (bits(workspace, release, one) for one in ids(workspace, "ecg", 2))
    between = mean_bits(
        search_like(workspace, release, ids(workspace, "ecg", 2), Options(), actor=single_user()).code_hex
    )
    apart = int(np.sum(first != second))
    near = [int(np.sum(between != one)) for one in (first, second)]
    assert sum(near) == apart and min(near) > apart / 5
    assert np.array_equal(
        mean_bits(search_like(workspace, release, ids(workspace, "ecg", 1), Options(), actor=single_user()).code_hex),
        first,
    )


def test_no_patient_that_it_is_made_of_is_returned(workspace: Workspace, release: Release) -> None:
    own = ids(workspace, "ecg", 4)[-1]
    beside = search_stored(workspace, release, own, Options(k=3), actor=single_user())
    chosen = [one.study_id for one in beside.neighbours][:3]
    found = search_like(workspace, release, chosen, Options(k=100), actor=single_user(), beside=beside.query_id)
    gone = {workspace.row(one, actor=single_user()).patient_id for one in [own, *chosen]}
    assert found.neighbours
    assert not gone & {one.patient_id for one in found.neighbours}
    repeated = search_stored(workspace, release, found.query_id, Options(k=100), actor=single_user())
    assert (repeated.code_hex, repeated.neighbours) == (found.code_hex, found.neighbours)
    kinds = [row.kind for row in workspace.audit_rows(2)]
    assert kinds == ["again", "like"]


def test_the_patient_of_an_uploaded_query_beside_is_left_out_too(workspace: Workspace, release: Release) -> None:
    beside = search(
        workspace,
        release,
        read_paths([settings.DEMO / "ecg" / "syn-0003-e1-ecg.hea"]),
        Options(k=2),
        actor=single_user(),
    )
    found = search_like(
        workspace, release, [beside.neighbours[0].study_id], Options(k=100), actor=single_user(), beside=beside.query_id
    )
    ecgs = {one.study_id for one in found.neighbours if one.modality == "ecg"}
    assert ecgs and "syn-0003-e1-ecg" not in ecgs


def test_a_mean_takes_every_option_of_a_search(workspace: Workspace, release: Release) -> None:
    chosen = ids(workspace, "ecg", 2)
    for rerank in ("asymmetric", "embedding"):
        found = search_like(
            workspace, release, chosen, Options(targets=("ecg",), k=4, bits=128, rerank=rerank), actor=single_user()
        )
        assert len(found.neighbours) == 4 and {one.bits for one in found.neighbours} == {128}
    nearest = search_like(workspace, release, chosen, Options(targets=("ecg",), k=100, bits=128), actor=single_user())
    precise = search_like(
        workspace,
        release,
        chosen,
        Options(targets=("ecg",), k=100, bits=128, operating_point="precise"),
        actor=single_user(),
    )
    radius = release.radius("ecg", "ecg", 128, "precise")
    assert precise.neighbours == tuple(one for one in nearest.neighbours if one.hamming <= radius)


def test_what_cannot_be_averaged_is_one_sentence(workspace: Workspace, release: Release) -> None:
    some = ids(workspace, "ecg", 21)
    for chosen, words in (([], "0 cases"), (some, "21 cases"), (["s-unknown"], "no study s-unknown")):
        with pytest.raises(UsageError, match=words):
            search_like(workspace, release, chosen, Options(), actor=single_user())
    found = search_like(workspace, release, some[:2], Options(), actor=single_user())
    workspace.set_consent(workspace.row(some[0], actor=single_user()).patient_id, False, actor=single_user())
    for ask in (
        lambda: search_like(workspace, release, some[:2], Options(), actor=single_user()),
        lambda: search_stored(workspace, release, found.query_id, Options(), actor=single_user()),
    ):
        with pytest.raises(UsageError, match="withdrawn"):
            ask()


def test_a_mean_is_exported_but_not_explained(workspace: Workspace, release: Release) -> None:
    found = search_like(workspace, release, ids(workspace, "ecg", 2), Options(k=2), actor=single_user())
    table = export(workspace, release, found, ExportRequest("csv"), actor=Actor("a test")).data.decode("utf-8-sig")
    assert found.neighbours[0].study_id in table
    assert export(workspace, release, found, ExportRequest("pdf"), actor=Actor("a test")).data.startswith(b"%PDF")
    match = workspace.study(found.neighbours[0].study_id, actor=single_user())
    with pytest.raises(UsageError, match="several cases"):
        next(explain_pair(release, found.study, match))
