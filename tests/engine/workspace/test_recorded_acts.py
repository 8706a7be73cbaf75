"""What a person does leaves one row, with session, patient and study; what changes nothing leaves none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.studies import fill

from engine.actor import Actor
from engine.errors import UsageError
from engine.learning import decisions
from engine.store.records import StoredQuery
from engine.study import Study
from engine.teaching import access, collections
from engine.workspace import sharing
from engine.workspace.annotations import delete_annotations, save_annotations
from engine.workspace.searches import delete_search, rename_search, save_search
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann", session="s-1")
ARROW = {"id": "a1", "kind": "arrow", "shape": "arrow", "points": [[1, 2], [5, 6]], "text": "here"}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    with open_workspace(tmp_path, create=True) as opened:
        fill(opened)
        yield opened


def kinds(place: Workspace) -> list[str]:
    return [row.kind for row in reversed(place.audit_rows())]


def test_marks_are_recorded_once(place: Workspace) -> None:
    for _ in range(2):  # the same again changes nothing
        place.rate("s0000", "s0004", "relevant", actor=ANN, release="r1")
    place.undo("s0000", "s0004", actor=ANN)
    assert kinds(place) == ["rated", "rating undone"]
    undone, rated = place.audit_rows()
    assert (rated.who, rated.session, rated.query_id, rated.returned) == ("ann", "s-1", "s0000", ("s0004",))
    assert rated.patients == undone.patients == ("p4",)
    assert rated.about == {"mark": "relevant"}


def test_what_is_refused_leaves_no_row_of_a_change(place: Workspace) -> None:
    with pytest.raises(UsageError):
        place.rate("s0000", "nothing", "relevant", actor=ANN, release="r1")
    with pytest.raises(UsageError):
        place.rate("s0000", "s0001", "perhaps", actor=ANN, release="r1")
    assert kinds(place) == []
    place.rate("s0000", "s0001", "partly", actor=ANN, release="r1")
    assert kinds(place) == ["rated"]


def test_collections_and_links_are_recorded(place: Workspace) -> None:
    made = collections.create(place, "Rounds", actor=ANN)
    collections.add(place, made.collection_id, "s0001", actor=ANN)
    collections.add(place, made.collection_id, "s0001", actor=ANN)  # is there already
    collections.add_many(place, made.collection_id, ["s0002", "s0003"], actor=ANN)
    collections.rename(place, made.collection_id, "Ward rounds", actor=ANN)
    access.new_key(place, made.collection_id, actor=ANN)
    collections.delete(place, made.collection_id, actor=ANN)
    found = [(row.kind, row.about.get("change"), row.patients) for row in reversed(place.audit_rows())]
    assert found == [
        ("collection made", None, ()),
        ("collection changed", "case added", ("p1",)),
        ("collection changed", "cases added", ("p2", "p3")),
        ("collection changed", "title", ()),
        ("maker's link", "made", ()),
        ("collection deleted", None, ()),
    ]
    assert all(row.about.get("collection", made.collection_id) == made.collection_id for row in place.audit_rows())


def test_searches_queries_and_readings_are_recorded(place: Workspace) -> None:
    vector = np.zeros(256, np.float32)
    study = place.study("s0001", actor=ANN)
    asked = Study(study.modality, study.content, "asked", fingerprint="f")
    query = StoredQuery("q-1", "ann", asked, {"accepted": True}, "r1", np.zeros(32, np.uint8), vector)
    place.audit("search", actor=ANN, stored_query=query, query_id="q-1", returned=("s0002",))
    kept = save_search(place, "Mine", "query=q-1", actor=ANN)
    rename_search(place, kept.search_id, "Ours", actor=ANN)
    delete_search(place, kept.search_id, actor=ANN)
    assert delete_search(place, kept.search_id, actor=ANN) is None
    for act in (sharing.share, sharing.end_sharing):
        act(place, "q-1", actor=ANN)
    drawn = save_annotations(place, "s0000", [ARROW], actor=ANN)
    delete_annotations(place, [drawn[0].annotation_id], actor=ANN)
    found = kinds(place)
    assert found[:4] == ["search", "search saved", "search renamed", "saved search deleted"]
    assert found[-4:] == ["shared", "sharing ended", "annotated", "annotation deleted"]


def test_a_decision_and_its_row_are_one(place: Workspace) -> None:
    made = decisions.decide(place, ("s0000", "s0004"), "partly", actor=ANN)
    decisions.undo(place, made.adjudication_id, actor=ANN)
    assert kinds(place) == ["adjudication", "adjudication undone"]


def test_which_policies_count_is_a_row_whenever_they_are_others(place: Workspace) -> None:
    def loaded() -> list[dict[str, object]]:
        return [dict(row.about) for row in reversed(place.audit_rows()) if row.kind == "policies loaded"]

    assert loaded() == [], "nobody has signed in"
    somebody = replace(ANN, signed_in=True, roles=("clinician",))
    assert [place.policies.may(somebody, "rate") for _ in range(2)] == [True, True]
    assert len(loaded()) == 1
    (place.path / "policies").mkdir()
    (place.path / "policies" / "own.cedar").write_text('@id("none")\nforbid (principal, action, resource);', "utf-8")
    assert not place.policies.may(somebody, "rate")
    first, second = loaded()
    assert first["digest"] != second["digest"]
    assert (second["policies"], second["problems"]) == (1, 0)
