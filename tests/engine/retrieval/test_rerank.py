"""Re-ranking changes the order of a pool and nothing else; what is stored in 8 bits is near what it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import settings
from engine.actor import single_user
from engine.cli import run
from engine.errors import UsageError
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.rerank import MIN_POOL, pool_size
from engine.retrieval.search import Filters, search, search_stored
from engine.store import quantised
from engine.study import Study
from engine.workspace.workspace import Workspace, open_workspace

METHODS = ("asymmetric", "embedding")


def ecg() -> Study:
    return read_paths([settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"])


def scores(place: Workspace, release: Release, vector: np.ndarray, ids: list[str], target: str, bits: int) -> dict:
    """Return method → score by study id, from the float embeddings and in plain arithmetic."""
    query, held = release.projections(vector[None], "ecg")[0], place.embeddings(release.name, ids)
    stored = release.projections(held, target)
    signs = np.where(stored[:, :bits] > 0, 1, -1)
    out = {
        "asymmetric": [sum(p * s for p, s in zip(query[:bits].tolist(), row, strict=True)) for row in signs.tolist()]
    }
    out["embedding"] = (np.tanh(query)[None] * np.tanh(stored)).sum(1).tolist()
    return {method: dict(zip(ids, values, strict=True)) for method, values in out.items()}


@pytest.mark.parametrize("bits", [64, 256])
@pytest.mark.parametrize("method", METHODS)
def test_the_pool_comes_in_the_order_of_the_score(
    workspace: Workspace, release: Release, method: str, bits: int
) -> None:
    answer = search(workspace, release, ecg(), Options(k=5, bits=bits, rerank=method), actor=single_user())
    vector = workspace.query(answer.query_id, actor=single_user()).embedding
    pool = search_stored(workspace, release, answer.query_id, Options(k=pool_size(5), bits=bits), actor=single_user())
    by_id = {one.study_id: one for one in pool.neighbours}
    assert answer.to_json()["rerank"] == method and pool.rerank == "none"
    changed = 0
    for target in MODALITIES:
        mine = [one for one in answer.neighbours if one.modality == target]
        ids = [one.study_id for one in pool.neighbours if one.modality == target]
        score = scores(workspace, release, vector, ids, target, bits)[method]
        found = [score[one.study_id] for one in mine]
        best = sorted(score.values(), reverse=True)[:5]
        assert found == pytest.approx(best, abs=0.02 * abs(best[0]))  # 8 bits
        assert [one.rank for one in mine] == list(range(1, len(mine) + 1))
        for one in mine:
            was = by_id[one.study_id]
            assert (one.hamming, one.relevance, one.further_share) == (was.hamming, was.relevance, was.further_share)
        changed += [one.study_id for one in mine] != ids[:5]
    assert changed
    assert answer.nothing_close == pool.nothing_close


@pytest.mark.parametrize("method", METHODS)
def test_masks_radius_and_one_per_patient_hold(workspace: Workspace, release: Release, method: str) -> None:
    plain = search(workspace, release, ecg(), Options(k=30, bits=128), actor=single_user())
    gone = plain.neighbours[0].patient_id
    workspace.set_consent(gone, False, actor=single_user())
    for at in ("precise", "broad", None):
        options = Options(k=30, bits=128, operating_point=at, filters=Filters(sex="F"))
        wanted = search_stored(workspace, release, plain.query_id, options, actor=single_user())
        found = search_stored(workspace, release, plain.query_id, replace(options, rerank=method), actor=single_user())
        assert sorted(one.study_id for one in found.neighbours) == sorted(one.study_id for one in wanted.neighbours)
        for target in MODALITIES:
            patients = [one.patient_id for one in found.neighbours if one.modality == target]
            assert len(set(patients)) == len(patients) and gone not in patients
    own = search_stored(workspace, release, "syn-0003-e1-ecg", Options(k=30, rerank=method), actor=single_user())
    assert own.neighbours and "syn-0003" not in {one.patient_id for one in own.neighbours}


@pytest.mark.parametrize("method", METHODS)
def test_equal_scores_come_in_the_order_of_the_ids(workspace: Workspace, release: Release, method: str) -> None:
    with workspace.database.write() as cursor:  # so that every text is tied with every other
        cursor.execute(
            "UPDATE small_embeddings SET step = x.step, bytes = x.bytes FROM (SELECT * FROM small_embeddings LIMIT 1) x"
        )
        cursor.execute("UPDATE codes SET w0 = 0, w1 = 0, w2 = 0, w3 = 0")
    answer = search(
        workspace,
        release,
        read_text("effusion"),
        Options(targets=("text",), k=8, rerank=method, by_meaning=True),
        actor=single_user(),
    )
    ids = [one.study_id for one in answer.neighbours]
    assert len(ids) == 8 and ids == sorted(ids)


def test_the_pool_is_ten_times_k_and_not_small() -> None:
    assert (pool_size(1), pool_size(10), pool_size(50)) == (MIN_POOL, 100, 500)


def test_eight_bits_keep_the_cosine(workspace: Workspace, release: Release) -> None:
    ids = [row.study_id for row in workspace.all_rows()]
    vectors = workspace.embeddings(release.name, ids)
    back = quantised.dequantised(*quantised.quantised(vectors))
    largest = np.abs(vectors).max()
    errors = np.abs(vectors @ vectors.T - vectors @ back.T)
    assert errors.max() <= 16 * largest / 254
    assert np.sqrt((errors**2).mean()) <= 2 * largest / 440
    assert not quantised.dequantised(*quantised.quantised(np.zeros((1, 256), np.float32))).any()


def test_an_unknown_method_is_one_sentence(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(workspace_folder) as place, pytest.raises(UsageError, match="re-ranking"):
        search_stored(place, None, "x", Options(rerank="sorted"), actor=single_user())
    assert run(["search", "effusion", "--rerank", "sorted", "--workspace", str(workspace_folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    words = ["search", "effusion", "--rerank", "embedding", "--into", "text", "--workspace", str(workspace_folder)]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rerank"] == "embedding"
