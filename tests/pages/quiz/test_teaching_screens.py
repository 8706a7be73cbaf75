"""Collections and quiz without a browser: every state is one sentence or whole, and what is said is on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.screens import fine, held_by_the_app, keys, new_screen, opened, try_press
from helpers.workspaces import build_workspace
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.model.release import load_release
from engine.strings import several, text
from engine.teaching import access, collections, quizzes, runs
from engine.teaching.quizzes import QuizPlan
from engine.workspace.workspace import Workspace

ECG, FILM, PULSE, REPORT = "syn-0003-e1-ecg", "syn-0005-e1-cxr", "syn-0004-e1-ppg", "syn-0003-e1-text"
HOSTILE = "<script>alert(1)</script> **x** [l](javascript:alert(1)) $a$ :red[b]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of some patients of the shipped cohort."""
    place, files = tmp_path_factory.mktemp("teaching") / "ws", tmp_path_factory.mktemp("files")
    return build_workspace(place, files, load_release(), range(1, 13), 3)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    """The workspace as the app holds it, its notice accepted: one process owns it."""
    with pytest.MonkeyPatch.context() as patch, held_by_the_app(folder, patch) as opened:
        yield opened


@pytest.fixture
def app(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    return new_screen().run()


def words(app: AppTest) -> str:
    blocks = (app.markdown, app.title, app.subheader, app.info, app.success, app.error, app.warning)
    return " ".join(str(block.value) for kind in blocks for block in kind)


def filled(place: Workspace, *study_ids: str, title: str = "Rounds") -> str:
    one = collections.create(place, title, actor=single_user())
    for study_id in study_ids:
        collections.add(place, one.collection_id, study_id, note=f"about {study_id}", actor=single_user())
    return one.collection_id


def empty(place: Workspace) -> None:
    for one in collections.listed(place, actor=single_user()):
        collections.delete(place, one.collection_id, actor=single_user())
    for quiz in quizzes.listed(place, actor=single_user()):
        quizzes.delete(place, quiz.quiz_id, actor=single_user())


def test_the_first_collection_is_made_on_an_empty_screen_and_is_on_disk(app, place):
    empty(place)
    opened(app, "collections")
    assert text("collections.empty") in words(app)
    app.text_input(key="new-title").set_value(HOSTILE)
    try_press(app, "create")
    (one,) = collections.listed(place, actor=single_user())
    assert one.title == HOSTILE
    assert "**x**" not in words(app)  # printed as typed, not as Markdown
    try_press(app, f"open-{one.collection_id}")
    assert text("collections.no_cases") in words(app)
    assert app.button(key="present").disabled
    assert app.button(key="make-quiz").disabled


@pytest.mark.parametrize(("title", "part"), [("", "is empty"), ("w" * 10_000, "10000 characters")])
def test_a_title_that_cannot_be_is_one_sentence_and_stays_in_the_box(app, place, title, part):
    before = len(collections.listed(place, actor=single_user()))
    opened(app, "collections")
    app.text_input(key="new-title").set_value(title)
    try_press(app, "create")
    assert part in app.error[0].value
    assert app.text_input(key="new-title").value == title
    assert len(collections.listed(place, actor=single_user())) == before


def test_one_case_can_be_noted_but_not_moved_and_a_long_note_is_refused_in_its_place(app, place):
    which = filled(place, ECG)
    opened(app, "collections", collection=which)
    assert all(app.button(key=key).disabled for key in ("previous", "next", "up", "down"))
    note = f"note-{which}-{ECG}"
    fine(app.text_area(key=note).set_value(HOSTILE).run())
    assert collections.items(place, which, actor=single_user())[0].note == HOSTILE
    assert text("collections.saved") in words(app)
    fine(app.text_area(key=note).set_value("w" * 10_000).run())
    assert "10000 characters" in words(app)
    assert app.text_area(key=note).value == "w" * 10_000
    assert collections.items(place, which, actor=single_user())[0].note == HOSTILE


def test_cases_are_added_moved_taken_out_and_brought_back(app, place):
    which = filled(place, ECG, FILM)

    def order() -> list[str]:
        return [item.study_id for item in collections.items(place, which, actor=single_user())]

    opened(app, "collections", collection=which)
    app.text_input(key="add-id").set_value("no-such-study")
    try_press(app, "add")
    assert "no-such-study" in app.error[0].value.replace("\\", "")
    app.text_input(key="add-id").set_value(PULSE)
    try_press(app, "add")
    assert order() == [ECG, FILM, PULSE]
    try_press(app, "up")  # the case just added is the open one
    assert order() == [ECG, PULSE, FILM]
    try_press(app, "remove")
    assert order() == [ECG, FILM]
    try_press(app, "undo-button")
    assert order() == [ECG, PULSE, FILM]


def test_a_deleted_collection_is_one_sentence_behind_its_link_and_can_be_brought_back(app, place):
    which = filled(place, ECG)
    opened(app, "collections", collection=which)
    try_press(app, "delete")
    assert which not in {one.collection_id for one in collections.listed(place, actor=single_user())}
    try_press(app, "undo-button")
    collections.delete(place, which, actor=single_user())
    for garbled in (which, "c-none", "%00<script>"):
        opened(app, "collections", collection=garbled)
        assert [error.value.split(":")[0] for error in app.error] == ["There is no such collection in this workspace"]
        assert "all" in keys(app)


@pytest.mark.parametrize("number", ["0", "-3", "99", "abc", "²"])
def test_a_garbled_place_presents_a_case_all_the_same(app, place, number):
    opened(app, "collections", collection=filled(place, ECG, FILM), present=number)
    assert text("collections.place", n=2 if number == "99" else 1, total=2) in words(app)


def given_to_viewers(app: AppTest) -> str:
    """Return what the viewers in the browser are given."""
    return " ".join(one.proto.json for one in app.get("bidi_component"))


def test_presenting_hides_labels_note_and_measured_rate_until_asked(app, place):
    which = filled(place, ECG, FILM)
    label = place.row(ECG, actor=single_user()).labels[0]
    opened(app, "collections", collection=which, present="1")
    shown = repr(app._tree) + given_to_viewers(app)
    for secret in (label, f"about {ECG}", ECG):
        assert secret not in shown
    assert not re.search(r"Heart rate \d+", shown)
    assert not any(button.key.startswith("stage-1-window") for button in app.button)
    try_press(app, "present-reveal")
    assert label in words(app)
    assert re.search(r"Heart rate \d+", given_to_viewers(app))
    assert f"about {ECG}" not in words(app).replace("\\", "")
    try_press(app, "present-notes")
    assert f"about {ECG}" in words(app).replace("\\", "")
    try_press(app, "present-next")
    assert place.row(FILM, actor=single_user()).labels[0] not in words(app)
    try_press(app, "leave")
    assert app.query_params["case"] in (FILM, [FILM])


def test_who_withdrew_is_counted_and_nowhere_shown(app, place):
    which = filled(place, ECG, FILM)
    patient = place.row(ECG, actor=single_user()).patient_id
    place.set_consent(patient, False, actor=single_user())
    try:
        opened(app, "collections", collection=which)
        assert several(1, "collections.hidden") in words(app)
        assert ECG not in repr(app._tree)
        place.set_consent(place.row(FILM, actor=single_user()).patient_id, False, actor=single_user())
        opened(app, "collections", collection=which, present="1")
        assert text("present.none") in words(app)
    finally:
        for study_id in (ECG, FILM):
            place.set_consent(place.all_rows([study_id])[0].patient_id, True, actor=single_user())


def test_an_empty_quiz_screen_says_how_to_begin_and_too_few_cases_are_refused(app, place):
    empty(place)
    report = filled(place, REPORT)
    opened(app, "quiz")
    assert text("quiz.none") in words(app)
    opened(app, "collections", collection=report)
    opened(app, "quiz", build=report)
    app.text_input(key="build-title").set_value("Reports")
    try_press(app, "build")
    assert "No question could be made" in app.error[0].value
    assert app.text_input(key="build-title").value == "Reports"
    assert quizzes.listed(place, actor=single_user()) == []


def test_a_quiz_is_built_taken_and_its_results_are_read(app, place):
    empty(place)
    opened(app, "quiz", build=filled(place, ECG, FILM, REPORT))
    app.text_input(key="build-title").set_value("Hearts")
    try_press(app, "build")
    (quiz,) = quizzes.listed(place, actor=single_user())
    assert quiz.questions == 2
    assert several(1, "quiz.left_reports") in words(app)
    assert app.text_input(key="build-title").value == ""
    opened(app, "quiz", quiz=quiz.quiz_id, view="results")
    assert text("quiz.results_none") in words(app)
    opened(app, "quiz", quiz=quiz.quiz_id, order="fixed", seed="1")
    app.text_input(key="start-alias").set_value("=anna")
    start = next(button for button in app.button if button.label == text("quiz.start"))
    fine(start.click().run())
    run = runs.start(place, quiz.quiz_id, "=anna", actor=single_user())
    for asked in run.questions:
        assert app.button(key="commit").disabled
        secrets = (asked.study_id, f"about {asked.study_id}", place.row(asked.study_id, actor=single_user()).cohort)
        assert not [secret for secret in secrets if secret in repr(app._tree) + given_to_viewers(app)]
        try_press(app, f"option-{asked.position}-1")
        try_press(app, "commit")
        given = runs.load(place, run.run_id, actor=single_user()).questions[asked.position - 1].given
        assert given is not None and given.chosen == asked.options[:1]
        assert f"about {asked.study_id}" in words(app).replace("\\", "")
        searched = len(place.audit_rows())
        fine(app.run())  # drawn again, nothing is searched again
        assert len(place.audit_rows()) == searched
        try_press(app, "go-on")
    assert text("quiz.finished_title") in words(app)
    opened(app, "quiz", quiz=quiz.quiz_id, view="results")
    table = next(one.value for one in app.table if text("quiz.column_case") in one.value)
    assert len(table) == 2
    assert all(text("card.synthetic") in str(row) for row in table.iloc[:, 2])


def test_a_withdrawn_case_leaves_a_quiz_that_is_under_way(app, place):
    built = quizzes.from_collection(
        place, load_release(), filled(place, ECG, FILM), QuizPlan("two", order="fixed"), actor=single_user()
    )
    run = runs.start(place, built.quiz.quiz_id, "ben", actor=single_user())
    place.set_consent(place.row(ECG, actor=single_user()).patient_id, False, actor=single_user())
    try:
        opened(app, "quiz", run=run.run_id)
        assert several(1, "quiz.hidden") in words(app)
        assert text("quiz.place", n=1, total=1) in words(app)
    finally:
        place.set_consent(place.all_rows([ECG])[0].patient_id, True, actor=single_user())


def test_own_words_are_written_beside_a_clock_and_judged_by_what_they_name(app, place):
    plan = QuizPlan("words", asks="text", order="fixed", question_s=600)
    built = quizzes.from_collection(place, load_release(), filled(place, ECG, FILM), plan, actor=single_user())
    run = runs.start(place, built.quiz.quiz_id, "cleo", actor=single_user())
    opened(app, "quiz", run=run.run_id)
    label = run.questions[0].labelled[0]
    assert label not in repr(app._tree) and text("quiz.ask_text") in words(app)
    assert app.button(key="commit").disabled
    fine(app.text_input(key="words-1").set_value(label.upper()).run())
    try_press(app, "commit")
    given = runs.load(place, run.run_id, actor=single_user()).questions[0].given
    assert given is not None and given.right and given.chosen == (label.upper(),)
    assert text("quiz.right") in words(app) and label in words(app)


def test_a_learner_finds_no_way_to_results_and_a_maker_does(app, place):
    built = quizzes.from_collection(
        place, load_release(), filled(place, ECG, FILM), QuizPlan("mine", visibility="everybody"), actor=single_user()
    )
    which = built.quiz.quiz_id
    opened(app, "quiz")
    assert f"take-{which}" in keys(app) and not {f"results-{which}", f"delete-{which}"} & keys(app)
    opened(app, "quiz", quiz=which, view="results")
    assert "maker's link" in app.error[0].value and not app.table
    opened(app, "quiz", quiz=which, key="guessed")
    assert "incomplete" in app.error[0].value
    key = access.new_key(place, which, actor=single_user())
    opened(app, "quiz", quiz=which, key=key)
    assert not app.error and text("quiz.results_none") in words(app)
    assert "key" not in app.query_params
    opened(app, "quiz")
    assert {f"results-{which}", f"delete-{which}"} <= keys(app)


@pytest.mark.parametrize("address", [{"quiz": "z-none"}, {"run": "r-none"}, {"quiz": "z-none", "view": "results"}])
def test_garbled_quiz_links_are_one_sentence_with_a_way_back(app, address):
    opened(app, "quiz", **address)
    assert len(app.error) == 1
    try_press(app, "home")
    assert app.title[0].value == text("quiz.title")


@pytest.mark.parametrize("screen", ["collections", "quiz"])
def test_without_a_workspace_each_screen_is_one_sentence(tmp_path, monkeypatch, screen):
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path / "nowhere"))
    app = new_screen().run()
    try_press(app, "accept")
    opened(app, screen)
    assert [error.value for error in app.error] == [text("app.no_workspace")]
