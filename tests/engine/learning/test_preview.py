"""What a round would change for one's last queries: as a search before and after the promotion says it."""

from __future__ import annotations

import pytest
from helpers.rounds import written
from helpers.shipped import SHIPPED

from engine import settings
from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.intake.paths import read_paths
from engine.learning.preview import Preview, preview_changes
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search, search_like, search_stored
from engine.study import Note, Study
from engine.workspace.reindex import reindex
from engine.workspace.workspace import Workspace

STRANGERS = (45, 46, 47)  # patients of the shipped cohort that the small workspace does not hold


def asked(workspace: Workspace, release: Release, who: str = "Ada") -> list[str]:
    """Ask three things; return the queries' ids, the newest first."""
    studies = [read_paths([settings.DEMO / "ecg" / f"syn-{number:04d}-e1-ecg.hea"]) for number in STRANGERS]
    found = [search(workspace, release, study, Options(k=3), actor=Actor(who)) for study in studies]
    return [one.query_id for one in reversed(found)]


def test_before_and_after_are_what_searches_say(workspace: Workspace, release: Release):
    ids, made = asked(workspace, release), written(workspace.path, release)
    found = preview_changes(workspace, Actor("Ada"), Preview(workspace, release, made), "Ada")
    assert [one.query_id for one in found] == ids
    assert {one.description for one in found} == {"WFDB, 12 leads, 500 Hz, 10 s"}
    before = {one: search_stored(workspace, release, one, Options(k=5), actor=single_user()) for one in ids}
    assert workspace.releases.serving() == (SHIPPED, release.digest)
    reindex(workspace, made, made.digest)
    for change in found:
        answers = (
            before[change.query_id],
            search_stored(workspace, release, change.query_id, Options(k=5), actor=single_user()),
        )
        for answer, side in zip(answers, (change.before, change.after), strict=True):
            for modality in MODALITIES:
                listed = [(x.study_id, x.rank, x.further_share) for x in answer.neighbours if x.modality == modality]
                assert [(x.study_id, x.rank, round(x.further_share, 4)) for x in side[modality]] == listed
    assert any(change.unchanged_count < change.total for change in found)


def test_kept_new_and_gone_are_told_apart(workspace: Workspace, release: Release):
    asked(workspace, release)
    preview = Preview(workspace, release, written(workspace.path, release))
    (change, *_) = preview_changes(workspace, Actor("Ada"), preview, "Ada")
    for modality in MODALITIES:
        old, new = change.before[modality], change.after[modality]
        mine, others = {one.study_id: one for one in old}, {one.study_id: one for one in new}
        for one in old:
            there = others.get(one.study_id)
            assert (one.fate, one.other) == (("kept", there.rank) if there else ("gone", None))
        for one in new:
            there = mine.get(one.study_id)
            assert (one.fate, one.other) == (("kept", there.rank) if there else ("new", None))
    assert change.unchanged_count == sum(one.fate == "kept" for near in change.after.values() for one in near)


def test_a_release_that_changes_nothing_keeps_everything(workspace: Workspace, release: Release):
    asked(workspace, release)
    for change in preview_changes(workspace, Actor("Ada"), Preview(workspace, release, release), "Ada"):
        assert change.unchanged_count == change.total > 0 and change.before == change.after


def test_consent_holds_on_both_sides_and_the_look_is_audited(workspace: Workspace, release: Release):
    ids, made = asked(workspace, release), written(workspace.path, release)
    preview = Preview(workspace, release, made)
    first = preview_changes(workspace, Actor("Ada"), preview, "Ada")[0]
    gone = {first.before["ecg"][0].study_id, first.after["ecg"][0].study_id}
    for study_id in gone:
        workspace.set_consent(workspace.row(study_id, actor=single_user()).patient_id, False, actor=single_user())
    shown = {
        near.study_id
        for change in preview_changes(workspace, Actor("Bo"), preview, "Ada")
        for side in (change.before, change.after)
        for nears in side.values()
        for near in nears
    }
    assert shown and not shown & gone
    row = workspace.audit_rows(1)[0]
    assert (row.who, row.kind, row.release, set(row.returned)) == ("Bo", "changes", f"{SHIPPED}.1", shown)
    assert len(ids) == 3


def test_only_the_newest_of_one_person_no_means_and_no_words(workspace: Workspace, release: Release):
    ids = asked(workspace, release, who="Ada")
    asked(workspace, release, who="Bo")
    cases = [row.study_id for row in workspace.all_rows() if row.modality == "ecg"][:2]
    search_like(workspace, release, cases, Options(), actor=Actor("Ada"))
    search(workspace, release, Study("text", Note("atrial fibrillation"), "typed text"), Options(), actor=Actor("Ada"))
    preview = Preview(workspace, release, written(workspace.path, release))
    assert [one.query_id for one in preview_changes(workspace, Actor("Ada"), preview, "Ada", n=2)] == ids[:2]
    assert len(preview_changes(workspace, Actor("Ada"), preview, None)) == 6
    assert preview_changes(workspace, Actor("Ada"), preview, "nobody") == []


def test_other_encoders_cannot_be_compared(workspace: Workspace, release: Release):
    other = Release(release.path, {**release.manifest, "parts": {**release.manifest["parts"], "ecg.safetensors": "0"}})
    with pytest.raises(UsageError, match="other encoders"):
        Preview(workspace, release, other)
