"""Promotion and the way back: one at a time, against what was shown, exact."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.promotions import PATIENCE_S, QUERY, codes, promoted, rolled_back, shown
from helpers.rounds import BAD, written
from helpers.shipped import SHIPPED

from engine.actor import Actor, single_user
from engine.errors import ReleaseError, UsageError, WorkspaceError
from engine.learning import promotion
from engine.modalities import MODALITIES
from engine.model.release import Release, installed, load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search_stored
from engine.workspace import reindex
from engine.workspace.releases import ReleaseSwitch
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace


def test_a_promoted_round_answers_and_is_on_record(workspace: Workspace, release: Release):
    made, before = written(workspace.path, release), codes(workspace)
    promoted(workspace, made)
    answer = search_stored(workspace, release, QUERY, Options(k=3), actor=single_user())
    assert answer.release == f"{SHIPPED}.1" and serving_release(workspace, release).digest == made.digest
    assert codes(workspace) != before
    for modality in MODALITIES:
        held = workspace.codes(f"{SHIPPED}.1", modality)
        vectors = workspace.embeddings(f"{SHIPPED}.1", list(held.ids))
        own = np.stack([made.codes(z[None], modality)[0] for z in vectors]).view("<u8")
        np.testing.assert_array_equal(own.T, held.words)
    (row,) = promotion.history(workspace)
    assert (row.kind, row.who, row.from_release, row.to_release, row.state) == (
        "promotion",
        "Ada",
        SHIPPED,
        f"{SHIPPED}.1",
        "done",
    )
    assert row.passes is True and row.reason == "" and row.ended_at is not None
    audit = workspace.audit_rows(50)
    assert [(one.who, one.release, one.filters) for one in audit if one.kind == "promotion"] == [
        ("Ada", f"{SHIPPED}.1", f"from {SHIPPED} to {SHIPPED}.1; the gate passes")
    ]


def test_the_way_back_is_byte_identical(workspace: Workspace, release: Release):
    first = codes(workspace)
    one = written(workspace.path, release)
    promoted(workspace, one)
    second = codes(workspace)
    two = written(workspace.path, one, seed=3)
    promoted(workspace, two)
    assert len({first, second, codes(workspace)}) == 3
    rolled_back(workspace)
    assert workspace.releases.serving() == (f"{SHIPPED}.1", one.digest) and codes(workspace) == second
    rolled_back(workspace, SHIPPED)
    assert codes(workspace) == first
    rolled_back(workspace, f"{SHIPPED}.2")
    rolled_back(workspace, SHIPPED)
    assert codes(workspace) == first
    assert [row.kind for row in promotion.history(workspace)] == ["promotion"] * 2 + ["rollback"] * 4
    assert [name for name, _ in promotion.previous_releases(workspace)] == [f"{SHIPPED}.2", f"{SHIPPED}.1"]


def test_codes_come_back_as_they_were_and_not_as_they_would_be_made(workspace: Workspace, release: Release):
    """A bit that was made otherwise, as on another processor, comes back as it was."""
    workspace.database._connection.cursor().execute(
        "UPDATE codes SET w0 = xor(w0, 1::UBIGINT) WHERE study_id = ?", [QUERY]
    )
    first = codes(workspace)
    promoted(workspace, written(workspace.path, release))
    rolled_back(workspace)
    assert codes(workspace) == first


def test_studies_that_came_or_changed_in_between_get_codes(workspace: Workspace, release: Release):
    ids = [row.study_id for row in workspace.all_rows() if row.study_id != QUERY]
    kept = dict(workspace.database.read("SELECT study_id, w0 FROM codes"))
    made = written(workspace.path, release)
    promoted(workspace, made)
    gone, changed = ids[0], ids[1]
    modality = workspace.row(changed, actor=single_user()).modality
    workspace.remove([gone])
    vector = -workspace.embeddings(f"{SHIPPED}.1", [changed])
    workspace.add_codes(f"{SHIPPED}.1", made.digest, [changed], vector, made.codes(vector, modality), replace=True)
    assert workspace.database.read("SELECT count(*) FROM former_codes WHERE study_id = ?", [gone]) == [(0,)]
    rolled_back(workspace)
    now = dict(workspace.database.read("SELECT study_id, w0 FROM codes"))
    own = int(release.codes(vector, modality).view("<u8")[0, 0])
    assert now == {**{name: word for name, word in kept.items() if name != gone}, changed: own}
    assert workspace.without_codes(SHIPPED) == []


def test_guards_that_fell_need_a_reason_which_is_kept(workspace: Workspace, release: Release):
    made = written(workspace.path, release, rows=BAD)
    for reason in ("", "   because   "):
        with pytest.raises(UsageError, match=r"ECG to chest film falls by 20\.0 % .limit 3 %.*reason of at least 10"):
            promotion.promote(workspace, made, Actor("Ada"), shown(workspace), reason)
    assert promotion.history(workspace) == [] and workspace.releases.serving() == (SHIPPED, release.digest)
    promoted(workspace, made, reason="films of this ward are few")
    (row,) = promotion.history(workspace)
    assert row.passes is False and row.reason == "films of this ward are few" and len(row.falls) == 1
    assert "films of this ward are few" in str(workspace.audit_rows(1)[0].filters)


def test_a_release_of_which_nothing_was_measured_needs_a_reason(workspace: Workspace, release: Release):
    made = written(workspace.path, release, rows=())
    with pytest.raises(UsageError, match="nothing was measured"):
        promotion.promote(workspace, made, Actor("Ada"), shown(workspace))


def test_what_was_shown_beside_another_release_is_refused(workspace: Workspace, release: Release):
    one, two = written(workspace.path, release), written(workspace.path, release, seed=2)
    seen = shown(workspace)
    promoted(workspace, one)
    with pytest.raises(UsageError, match=rf"Release {SHIPPED}\.1 serves by now"):
        promotion.promote(workspace, two, Actor("Bo"), seen)
    with pytest.raises(UsageError, match=rf"compares it with {SHIPPED}, and {SHIPPED}\.1 serves now: make a new round"):
        promotion.promote(workspace, two, Actor("Bo"), shown(workspace))
    with pytest.raises(UsageError, match="serves by now"):
        promotion.roll_back(workspace, Actor("Bo"), seen)
    again_on = written(workspace.path, one, seed=5)
    promoted(workspace, again_on)
    with pytest.raises(UsageError, match="serves already"):
        promotion.roll_back(workspace, Actor("Bo"), shown(workspace), f"{SHIPPED}.3")
    with pytest.raises(UsageError, match="serves already"):
        promotion.promote(workspace, again_on, Actor("Bo"), shown(workspace))
    assert [row.to_release for row in promotion.history(workspace)] == [f"{SHIPPED}.1", f"{SHIPPED}.3"]


def test_nowhere_to_go_back_to_is_one_sentence(workspace: Workspace):
    with pytest.raises(UsageError, match=r"replaced none: there is nothing to go back to\.$"):
        promotion.roll_back(workspace, Actor("Ada"), shown(workspace))
    with pytest.raises(UsageError, match=r"r9 never served here"):
        promotion.roll_back(workspace, Actor("Ada"), shown(workspace), "r9")
    with pytest.raises(UsageError, match="No promotion was interrupted"):
        promotion.resume(workspace, Actor("Ada"), shown(workspace))


def test_a_damaged_release_is_refused_before_anything_begins(workspace: Workspace, release: Release):
    made = written(workspace.path, release)
    (made.path / "hash.safetensors").write_bytes(b"nothing")
    with pytest.raises(ReleaseError, match=r"hash\.safetensors"):
        promotion.promote(workspace, made, Actor("Ada"), shown(workspace))
    assert promotion.history(workspace) == []


def test_of_eight_who_press_at_once_one_gets_through(
    workspace: Workspace, release: Release, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reindex, "REUSED_BATCH", 8)
    made = [written(workspace.path, release, seed=seed) for seed in range(4)]
    seen, barrier = shown(workspace), threading.Barrier(8)
    came: list[tuple[str, promotion.PromotionJob]] = []
    refused: list[str] = []

    def press(number: int) -> None:
        barrier.wait()
        try:
            one = made[number % 4]
            came.append((one.name, promotion.promote(workspace, one, Actor(f"u{number}"), seen)))
        except UsageError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((name, moving),) = came
    assert moving.wait(PATIENCE_S) and moving.error == ""
    assert len(refused) == 7 and all("is on its way" in one or "serves by now" in one for one in refused)
    assert workspace.releases.serving()[0] == name  # type: ignore[index]
    assert workspace.without_codes(name) == [] and len(promotion.history(workspace)) == 1
    assert workspace.database.read("SELECT count(*) FROM staged") == [(0,)]


def test_a_release_put_in_place_meanwhile_is_not_replaced(
    workspace: Workspace, release: Release, monkeypatch: pytest.MonkeyPatch
):
    one, two = written(workspace.path, release), written(workspace.path, release, seed=2)
    monkeypatch.setattr(reindex, "REUSED_BATCH", 8)
    told = promotion.PromotionJob.update

    def meanwhile(self: promotion.PromotionJob, n: float) -> None:
        told(self, n)
        if workspace.releases.serving() == (release.name, release.digest):
            reindex.reindex(workspace, two, two.digest)

    monkeypatch.setattr(promotion.PromotionJob, "update", meanwhile)
    moving = promotion.promote(workspace, one, Actor("Ada"), shown(workspace))
    assert moving.wait(PATIENCE_S) and "Another release was put in place meanwhile" in moving.error
    assert workspace.releases.serving() == (f"{SHIPPED}.2", two.digest)
    assert promotion.history(workspace)[-1].state == "failed"
    with pytest.raises(WorkspaceError, match="put in place meanwhile"):  # asked again in the transaction that switches
        reindex.reindex(workspace, one, one.digest, switch=ReleaseSwitch(release.digest))
    assert workspace.releases.serving() == (f"{SHIPPED}.2", two.digest)


def test_a_newer_shipped_release_does_not_take_over_by_itself(workspace: Workspace, release: Release, tmp_path: Path):
    made = written(workspace.path, release)
    promoted(workspace, made)
    newer = Release(release.path, {**release.manifest, "name": "r99"})
    assert newer.digest != release.digest
    assert serving_release(workspace, newer).digest == made.digest
    assert search_stored(workspace, newer, QUERY, Options(k=2), actor=single_user()).release == f"{SHIPPED}.1"
    assert installed(f"{SHIPPED}.1", made.digest, workspace.path / "releases") is not None
    assert load_release(made.path).digest == made.digest
