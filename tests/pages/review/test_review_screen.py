"""The review screen without a browser: what is pressed is on disk, others' marks stay hidden, states are sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.screens import fine, held_by_the_app, keys, new_screen, opened, try_press, words
from helpers.workspaces import build_workspace
from streamlit.testing.v1 import AppTest

from engine.actor import Actor, single_user
from engine.files import utc_now
from engine.learning import assign, review
from engine.learning.queue import QueueSpec
from engine.learning.strategies import BEST
from engine.model.release import load_release
from engine.report.ratings_csv import export_ratings
from engine.store.adjudications import adjudications
from engine.store.known_pairs import known_pairs
from engine.store.records import MARKS
from engine.strings import several, text
from engine.workspace.workspace import Workspace
from pages.review import state

N = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of some patients of the shipped cohort."""
    place, files = tmp_path_factory.mktemp("review") / "ws", tmp_path_factory.mktemp("files")
    return build_workspace(place, files, load_release(), range(1, 21), 6)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    """The workspace as the app holds it, its notice accepted: one process owns it."""
    with pytest.MonkeyPatch.context() as patch, held_by_the_app(folder, patch) as opened:
        yield opened


@pytest.fixture
def app(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app, on a workspace without ratings."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    with place.database.write() as cursor:
        for table in (
            *("ratings", "review_queues", "review_pairs", "consent", "guidelines", "known_pairs", "check_pairs"),
            *("assignments", "adjudications", "shared_queries"),
        ):
            cursor.execute(f"DELETE FROM {table}")
    return new_screen().run()


def queue(app: AppTest, who: str = "ann", strategy: str = "random", n: int = N, seed: int = 1) -> AppTest:
    return opened(app, "review", who=who, strategy=strategy, n=n, seed=seed)


def offers(place: Workspace, who: str = "ann", strategy: str = "random", n: int = N, seed: int = 1):
    return review.find(place, Actor(who), QueueSpec(strategy, n, seed)).offers


def test_one_button_asks_for_a_name_begins_and_goes_on(app, place):
    opened(app, "review")
    try_press(app, "begin")
    assert text("review.name_first") in " ".join(one.value for one in app.error)
    fine(app.text_input(key="review-who").set_value("  Dr   A ").run())
    try_press(app, "begin")
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert (address["who"], address["strategy"], address["n"]) == ("Dr A", BEST, str(state.FIRST_N))
    try_press(app, "mark-partly-1")
    try_press(app, "home")
    assert app.button(key="begin").label == text("review.go_on", done=1, total=state.FIRST_N)
    try_press(app, "begin")
    assert "mark-partly-2" in keys(app) and "mark-partly-1" not in keys(app)


def test_other_pairs_are_chosen_under_advanced(app, place):
    opened(app, "review", who="Dr A")
    fine(app.number_input(key="review-n").set_value(N).run())
    fine(app.radio(key="review-strategy").set_value("committee").run())
    try_press(app, "begin-chosen")
    seed = app.query_params["seed"]
    seed = int(seed if isinstance(seed, str) else seed[0])
    assert review.find(place, Actor("Dr A"), QueueSpec("committee", N, seed)).total == N
    try_press(app, "home")
    try_press(app, next(key for key in keys(app) if key.startswith("go-")))
    assert "mark-partly-1" in keys(app)


def test_the_definition_of_relevant_is_edited_and_stands_beside_the_pair(app, place):
    opened(app, "review", who="ann", view="guide")
    try_press(app, "guide-edit")
    fine(app.text_area(key="guide-words").set_value("**Same** finding, <b>same</b> side.").run())
    try_press(app, "guide-save")
    line = text("guidelines.version", n=1, who="ann", day=f"{utc_now():%Y\\-%m\\-%d}").replace("\\", "")
    assert line in words(app) and "**Same** finding, \\<b\\>same" in words(app)
    queue(app)
    assert line in words(app)
    try_press(app, "mark-relevant-1")
    assert [one.guideline for one in place.ratings(actor=Actor("ann"))] == [1]
    opened(app, "review", view="guide")
    try_press(app, "guide-edit")
    fine(app.text_area(key="guide-words").set_value("").run())
    try_press(app, "guide-save")
    assert "are empty" in " ".join(one.value for one in app.error)


def test_a_new_rater_is_checked_with_pairs_that_were_set_apart(app, place):
    queue(app)
    try_press(app, "mark-relevant-1")
    (kept,) = place.ratings(actor=Actor("ann"))
    fine(app.text_input(key=f"amend-{kept.rating_id}-known-note").set_value("same side").run())
    try_press(app, f"amend-{kept.rating_id}-check")
    opened(app, "review", who="new")
    try_press(app, "check-agreed")
    try_press(app, "mark-irrelevant-check-0")
    known = text("check.other_agreed", given=text("mark.irrelevant"), known=text("mark.relevant"))
    assert known in words(app) and "same side" in words(app)
    assert app.subheader[0].value == several(1, "check.end_agreed", same=0) and place.ratings(actor=Actor("new")) == []
    opened(app, "review", who="new", view="mine")
    assert "## 0 %" in words(app) and several(1, "mine.checked_of") in words(app)
    opened(app, "review", who="new", view="check", run="run-of-somebody-else")
    assert text("check.gone") in errors(app)


def test_somebody_who_has_not_rated_decides_where_raters_differ(app, place):
    queue(app)
    pair = offers(place)[0].pair
    for who, mark in (("ann", "relevant"), ("bob", "irrelevant")):
        place.rate(*pair, mark, actor=Actor(who), release="r1")
    opened(app, "review", who="ann", view="disputes")
    assert text("disputes.none") in infos(app)
    opened(app, "review", who="chief", view="disputes")
    assert "ann: **Relevant**; bob: **Irrelevant**" in words(app)
    key = f"{pair[0]}-{pair[1]}"
    fine(app.text_input(key=f"disputes-note-{key}").set_value("no effusion").run())
    fine(app.checkbox(key="disputes-example").check().run())
    try_press(app, f"mark-partly-decide-{key}")
    (made,) = adjudications(place.database)
    assert (made.pair, made.mark, made.note, made.who) == (pair, "partly", "no effusion", "chief")
    assert [one.mark for one in known_pairs(place.database, "example")] == ["partly"]
    assert len(place.all_ratings()) == 2 and text("disputes.none") in infos(app)
    try_press(app, "undo-button")
    assert adjudications(place.database) == [] and f"mark-partly-decide-{key}" in keys(app)


def test_what_is_assigned_waits_at_the_start_of_its_readers(app, place):
    opened(app, "review", who="chief", view="assign")
    fine(app.multiselect(key="assign-readers").set_value(["ann", "bob"]).run())
    fine(app.number_input(key="assign-n").set_value(N).run())
    try_press(app, "assign-do")
    assert [one.review.total for one in assign.listed(place, Actor("chief"))] == [N, N]
    opened(app, "review", who="bob")
    assert text("review.assigned_line", who="chief", due="").strip(", ") in words(app)
    try_press(app, "begin")
    try_press(app, "mark-relevant-1")
    opened(app, "review", who="chief", view="assign")
    assert list(app.table[0].value.iloc[0, [0, 1, 3]]) == ["bob", 1, text("assign.unchecked")]
    (first, second) = assign.listed(place, Actor("chief"))
    assert (first.review.done, second.review.done) == (0, 1)
    try_press(app, f"withdraw-{first.row.assignment_id}")
    assert assign.listed(place, Actor("chief")) == [] and len(place.ratings(actor=Actor("bob"))) == 1


def test_a_name_typed_once_is_known_on_every_screen(app, place):
    opened(app, "review")
    fine(app.text_input(key="review-who").set_value("Dr A").run())
    for view in ("agreement", "share", "guide", "mine", "assign", "disputes"):
        opened(app, "review", view=view)
        assert text("review.for_rater", who="Dr A") in words(app), view


def test_marks_are_stored_with_what_was_said_before_them_and_the_next_pair_comes(app, place):
    queue(app)
    first, second, *_ = offers(place)
    try_press(app, "tag-side-1")
    try_press(app, "tag-quality-1")
    try_press(app, "tag-side-1")  # taken back
    comment = next(one.key for one in app.text_input if one.key.startswith("review-comment-"))
    fine(app.text_input(key=comment).set_value("hazy <b>base</b>").run())
    fine(app.selectbox(key="review-finding").set_value("edema").run())
    try_press(app, "mark-partly-1")
    (kept,) = place.ratings(actor=Actor("ann"))
    said = ("partly", ("quality",), "hazy <b>base</b>")
    assert kept.pair == first.pair and (kept.mark, kept.why, kept.comment) == said
    assert (kept.finding, kept.strategy, kept.random_share) == ("edema", "random", True)
    assert text("review.saved", n=1, mark=text("mark.partly")) in words(app) and " <b>" not in words(app)
    try_press(app, "mark-relevant-2")
    last = place.ratings(actor=Actor("ann"))[-1]
    assert last.pair == second.pair and (last.why, last.comment, last.finding) == ((), "", "edema")  # it stays
    assert place.database.read("SELECT count(*) FROM ratings") == [(2,)]


def test_undo_brings_the_pair_back_and_the_last_one_can_be_added_to(app, place):
    queue(app)
    try_press(app, "mark-relevant-1")
    (kept,) = place.ratings(actor=Actor("ann"))
    fine(app.text_area(key=f"amend-{kept.rating_id}-comment").set_value("looked twice").run())
    try_press(app, f"amend-{kept.rating_id}-do")
    (changed,) = place.ratings(actor=Actor("ann"))
    assert (changed.comment, changed.mark, changed.pair) == ("looked twice", "relevant", kept.pair)
    assert len(place.history(*kept.pair, actor=Actor("ann"))) == 2
    try_press(app, f"undo-{changed.rating_id}")
    assert place.ratings(actor=Actor("ann")) == [] and "mark-relevant-1" in keys(app)
    try_press(app, "mark-skip-1")
    assert place.ratings(actor=Actor("ann")) == [] and "mark-relevant-2" in keys(app)


def test_a_press_in_a_tab_that_lags_behind_is_about_the_pair_it_shows(app, place):
    queue(app)
    other = new_screen().run()
    try_press(queue(other), "mark-relevant-1")
    try_press(other, "mark-relevant-2")
    try_press(app, "mark-irrelevant-1")  # still drawn there
    first, second, *_ = offers(place)
    given = {one.pair: one.mark for one in place.ratings(actor=Actor("ann"))}
    assert given == {first.pair: "irrelevant", second.pair: "relevant"} and "mark-partly-3" in keys(app)


def test_a_refresh_and_a_second_tab_go_on_where_it_was(app, place):
    queue(app)
    try_press(app, "mark-relevant-1")
    other = new_screen().run()
    queue(other)
    assert "mark-partly-2" in keys(other) and text("review.saved", n=1, mark=text("mark.relevant")) in words(other)
    try_press(other, "mark-partly-2")
    queue(app)
    assert "mark-partly-3" in keys(app) and place.database.read("SELECT count(*) FROM review_queues") == [(1,)]


def test_others_marks_stay_hidden_until_the_own_one_is_in(app, place):
    release = load_release()
    for one in review.begin(place, release, Actor("bob"), QueueSpec("random", N, 1)).offers:
        place.rate(*one.pair, "irrelevant", actor=Actor("bob"), release=release.name)
    queue(app, strategy="second", seed=2)
    assert text("review.offered_second") in words(app) and "bob" not in words(app)
    said = text("review.others", said=f"bob: {text('mark.irrelevant')}")
    try_press(app, "mark-skip-1")
    assert said not in words(app)
    try_press(app, "mark-relevant-2")
    assert said in words(app)
    opened(app, "review", who="ann", view="agreement")
    shown = words(app)
    assert shown.count("bob: ") == 1 and several(N - 3, "agreement.hidden") not in shown
    assert text("agreement.apart", apart=1.0) in shown


def test_labels_are_hidden_until_asked_for(app, place):
    queue(app)
    labels = {label for study in offers(place)[0].pair for label in place.row(study, actor=single_user()).labels}
    assert labels and text("card.labelled_as") not in words(app)
    try_press(app, "labels")
    assert text("card.labelled_as") in words(app)
    assert all(label in words(app).replace("\\", "") for label in labels)
    try_press(app, "mark-partly-1")
    assert text("card.labelled_as") in words(app)  # remembered
    try_press(app, "labels")
    assert text("card.labelled_as") not in words(app)


def test_the_end_says_what_came_of_it_and_how_far_raters_agree(app, place):
    release = load_release()
    for who in ("bob", "chief"):
        for n, one in enumerate(review.begin(place, release, Actor("ann"), QueueSpec("random", N, 1)).offers):
            place.rate(*one.pair, MARKS[n % 3 if who == "bob" else 0], actor=Actor(who), release=release.name)
    queue(app)
    for place_, mark in enumerate(("relevant", "partly", "irrelevant", "skip"), 1):
        try_press(app, f"mark-{mark}-{place_}")
    shown = words(app)
    counted = ", ".join(f"{text(f'mark.{mark}')} 1" for mark in (*MARKS, "skip"))
    assert f"{several(N, 'review.end_line')} {counted}." in shown
    assert "Krippendorff" in shown and "from 4 pairs" in shown and "of 3 raters" in shown
    assert len(app.table) == 2 and list(app.table[0].value.iloc[:, 4]) == [3, 3, 4]
    try_press(app, "another")
    assert "mark-relevant-1" in keys(app)


def test_what_cannot_be_is_one_sentence(app, place):
    assert "no strategy 'magic'" in errors(queue(app, strategy="magic"))
    assert "whole number" in errors(queue(app, n="many"))
    assert "possible" in errors(queue(app, n=100000))
    assert "no name" in errors(queue(app, who=""))
    assert text("review.none_second") in infos(queue(app, strategy="second"))
    try_press(app, "home")
    assert app.title[0].value == text("review.title")
    with place.database.write() as cursor:
        cursor.execute("DELETE FROM review_queues")
    fewer = queue(app, n=200, strategy="second")
    assert text("review.none_second") in infos(fewer)


def errors(app: AppTest) -> str:
    assert "home" in keys(app)
    return " ".join(error.value for error in app.error)


def infos(app: AppTest) -> str:
    return " ".join(info.value for info in app.info)


def test_a_patient_who_withdraws_in_the_middle_is_left_out_and_said(app, place):
    queue(app, n=6)
    try_press(app, "mark-relevant-1")
    gone = offers(place, n=6)[1]
    place.set_consent(
        place.row(gone.study_id, actor=single_user()).patient_id, False, actor=single_user(), scope="training"
    )
    left = review.find(place, Actor("ann"), QueueSpec("random", 6, 1))
    queue(app, n=6)
    assert left.dropped >= 1 and several(left.dropped, "review.dropped") in infos(app)
    try_press(app, f"mark-relevant-{left.position(left.next.pair)}")
    assert gone.pair not in {one.pair for one in place.ratings(actor=Actor("ann"))}


def test_ratings_of_another_site_are_taken_in_by_upload(app, place):
    queue(app)
    try_press(app, "mark-relevant-1")
    data = export_ratings(place, actor=single_user()).data
    with place.database.write() as cursor:
        cursor.execute("DELETE FROM ratings")
    opened(app, "review", who="ann", view="share")
    assert app.button(key="share-import").disabled
    for file, said in ((data, several(1, "share.added")), (data, several(1, "share.present")), (b"x", "Row 1 lacks")):
        fine(app.file_uploader[0].set_value(("ratings.csv", file, "text/csv")).run())
        try_press(app, "share-import")
        assert said in " ".join(one.value for kind in (app.success, app.error) for one in kind)
    assert len(place.ratings(actor=Actor("ann"))) == 1
