"""Annotations: their author's, on disk, once however often they are sent, and gone with the study that they are on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from helpers.schemas import drop_made_since
from helpers.studies import fill

from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, UsageError
from engine.store.database import FILE_NAME
from engine.store.records import StoredQuery
from engine.workspace.annotations import annotations_on, delete_annotations, save_annotations
from engine.workspace.workspace import Workspace, open_workspace

ANN, BOB = Actor("ann"), Actor("bob")
FILM, ECG, TEXT = "s0000", "s0001", "s0003"
RULER = {"id": "r1", "kind": "ruler", "points": [[2, 3], [12, 3]], "text": "heart"}
CALIPER = {"id": "c1", "kind": "caliper", "points": [[0.4, 0.1], [1.2, 1.1]], "lead": "V5"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as opened:
        fill(opened)
        yield opened


def test_what_was_drawn_is_there_after_closing(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        (ruler,) = save_annotations(place, FILM, [RULER], actor=ANN)
        (caliper,) = save_annotations(place, ECG, [CALIPER], actor=BOB)
    with open_workspace(tmp_path) as place:
        assert annotations_on(place, [FILM], actor=BOB) == [ruler]
        assert annotations_on(place, [ECG, FILM, "none"], actor=ANN) == [ruler, caliper]
        assert annotations_on(place, [ECG, FILM], actor=ANN, of="bob") == [caliper]
    assert (ruler.author, ruler.text, ruler.points) == ("ann", "heart", ((2, 3), (12, 3)))
    assert ruler.measured is not None and ruler.measured.value == pytest.approx(1.5)  # 0.15 mm a column
    assert (caliper.lead, caliper.measured and caliper.measured.unit) == ("V5", "ms")


def test_the_same_sent_again_is_stored_once_and_a_change_keeps_when_it_was_made(place: Workspace) -> None:
    (first,) = save_annotations(place, FILM, [RULER], actor=ANN)
    assert save_annotations(place, FILM, [RULER, RULER], actor=ANN) == [first, first]
    (moved,) = save_annotations(place, FILM, [{**RULER, "points": [[2, 3], [22, 3]]}], actor=ANN)
    assert (moved.made_at, moved.measured and moved.measured.value) == (first.made_at, pytest.approx(3.0))
    assert moved.changed_at is not None and first.changed_at is not None and moved.changed_at > first.changed_at
    assert annotations_on(place, [FILM], actor=ANN) == [moved]
    many = [{**RULER, "id": name} for name in "zaq"]
    save_annotations(place, FILM, many, actor=ANN)
    assert [one.annotation_id for one in annotations_on(place, [FILM], actor=ANN)] == ["r1", "z", "a", "q"]


def test_presses_from_many_threads_store_each_annotation_once(place: Workspace) -> None:
    given = [{**RULER, "id": f"r{n}"} for n in range(5)]
    threads = [threading.Thread(target=lambda: save_annotations(place, FILM, given, actor=ANN)) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.annotation_id for one in annotations_on(place, [FILM], actor=ANN)) == [f"r{n}" for n in range(5)]


def test_only_its_author_changes_or_deletes_it(place: Workspace) -> None:
    (drawn,) = save_annotations(place, FILM, [RULER], actor=ANN)
    with pytest.raises(NotPermittedError, match="author"):
        save_annotations(place, FILM, [{**RULER, "text": "mine"}], actor=BOB)
    with pytest.raises(NotPermittedError, match="author"):
        delete_annotations(place, ["r1"], actor=BOB)
    with pytest.raises(UsageError, match="stays on its picture"):
        save_annotations(place, "s0004", [RULER], actor=ANN)
    with pytest.raises(UsageError, match="author"):
        save_annotations(place, FILM, [{**RULER, "id": "r2"}], actor=Actor(" "))
    assert annotations_on(place, [FILM], actor=BOB) == [drawn]
    assert delete_annotations(place, ["r1", "r1", "none"], actor=ANN) == [drawn]
    assert delete_annotations(place, ["r1"], actor=ANN) == []
    assert annotations_on(place, [FILM], actor=BOB) == []
    assert [one.points for one in save_annotations(place, FILM, [drawn.to_json()], actor=ANN)] == [drawn.points]


def test_one_that_cannot_stand_keeps_all_of_them_out(place: Workspace) -> None:
    bad: list[Any] = [RULER, {**RULER, "id": "r2", "points": [[1, 1]]}]
    with pytest.raises(UsageError, match="2 points"):
        save_annotations(place, FILM, bad, actor=ANN)
    with pytest.raises(UsageError, match="301 annotations"):
        save_annotations(place, FILM, [{**RULER, "id": f"r{n}"} for n in range(301)], actor=ANN)
    save_annotations(place, FILM, [{**RULER, "id": f"r{n}"} for n in range(300)], actor=ANN)
    with pytest.raises(UsageError, match="delete some first"):
        save_annotations(place, FILM, [{**RULER, "id": "more"}], actor=ANN)
    assert len(annotations_on(place, [FILM], actor=ANN)) == 300
    with pytest.raises(UsageError, match="text has no picture"):
        save_annotations(place, TEXT, [RULER], actor=ANN)
    with pytest.raises(UsageError, match="no study"):
        save_annotations(place, "nothing", [RULER], actor=ANN)


def test_they_follow_the_consent_of_the_patient_and_go_with_the_study(place: Workspace) -> None:
    save_annotations(place, FILM, [RULER], actor=ANN)
    patient = place.row(FILM, actor=ANN).patient_id
    place.set_consent(patient, False, actor=single_user())
    assert annotations_on(place, [FILM], actor=ANN) == []
    with pytest.raises(NotPermittedError, match="withdrawn"):
        save_annotations(place, FILM, [{**RULER, "id": "r2"}], actor=ANN)
    place.set_consent(patient, True, actor=single_user())
    assert len(annotations_on(place, [FILM], actor=ANN)) == 1
    place.remove([FILM])
    assert place.database.read("SELECT count(*) FROM annotations") == [(0,)]


def test_an_uploaded_query_is_drawn_on_like_a_study(place: Workspace) -> None:
    study = place.study(ECG, actor=ANN)
    for query_id, facts in (("q-own", {}), ("q-case", {"patient_id": "p1"})):
        asked = StoredQuery(
            query_id, "ann", replace(study, facts=facts), {}, "r1", np.zeros(32, np.uint8), np.zeros(256, np.float32)
        )
        place.audit("search", actor=ANN, stored_query=asked)
        save_annotations(place, query_id, [{**CALIPER, "id": query_id}], actor=ANN)
    assert len(annotations_on(place, ["q-own", "q-case"], actor=BOB)) == 2
    place.set_consent("p1", False, actor=single_user())
    assert [one.study_id for one in annotations_on(place, ["q-own", "q-case"], actor=BOB)] == ["q-own"]
    with pytest.raises(NotPermittedError, match="withdrawn"):
        save_annotations(place, "q-case", [{**CALIPER, "id": "c2"}], actor=ANN)


def test_a_workspace_of_schema_11_can_be_drawn_on(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
    with duckdb.connect(str(tmp_path / FILE_NAME)) as file:
        drop_made_since(file, 12)
        file.execute("DELETE FROM schema_version WHERE version >= 12")
    with open_workspace(tmp_path) as place:
        save_annotations(place, FILM, [RULER], actor=ANN)
        assert len(annotations_on(place, [FILM], actor=ANN)) == 1
