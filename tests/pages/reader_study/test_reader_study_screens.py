"""Reader studies without a browser: who sees which screen, an answer of the browser's, and results after closing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.reader_studies import FINDING, PLAN, SOURCE, rated, read_session, reader
from helpers.screens import address, fine, held_by_the_app, new_screen, opened, press, table_rows, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.reader_study import design, reading
from engine.store.reader_studies import StoredReaderStudy
from engine.strings import text
from engine.teaching import access
from engine.workspace.workspace import Workspace
from pages.reader_study import state


@pytest.fixture
def place(
    few_patients: Callable[[int, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    folder = shutil.copytree(few_patients(30, 4), tmp_path / "ws")
    with held_by_the_app(folder, monkeypatch) as here:
        yield here


@pytest.fixture
def study(place: Workspace) -> StoredReaderStudy:
    """A reader study that was made on the machine, as the command does."""
    release = place.releases.serving()[0]
    plan = replace(PLAN, washout_days=0, readers=("ann",))
    made = design.draft(place, release, plan, replace(SOURCE, n=4), actor=single_user())
    return design.make(place, made, actor=single_user())


def shown(screen: AppTest, study: StoredReaderStudy, who: str = "ann", **more: str) -> AppTest:
    return opened(screen, "reader_study", study=study.reader_study_id, who=who, **more)


def errors(screen: AppTest) -> list[str]:
    return [one.value for one in screen.error]


def test_the_screen_is_in_the_bar_once_there_is_a_study(place: Workspace) -> None:
    screen = opened(new_screen().run(), "reader_study")
    assert text("reader_study.none") in screen.info[0].value


def test_a_reader_is_shown_the_case_to_read_and_no_label(study: StoredReaderStudy, place: Workspace) -> None:
    screen = opened(new_screen().run(), "reader_study", who="ann")
    assert study.title in words(screen)
    press(screen, f"read-{study.reader_study_id}")
    assert address(screen)["study"] == [study.reader_study_id]
    one = reading.state(place, study.reader_study_id, actor=reader("ann")).next
    assert one is not None and one.opened_at is not None
    said = words(screen)
    assert text("reader_study.place", n=1, total=4, session=1) in said
    labels = place.row(one.study_id, actor=single_user()).labels
    assert one.study_id not in str(screen.main) and not any(label in said for label in labels)


def test_an_answer_is_stored_once_and_only_for_the_case_that_is_shown(
    study: StoredReaderStudy, place: Workspace
) -> None:
    screen = shown(new_screen().run(), study)
    one = reading.state(place, study.reader_study_id, actor=reader("ann")).next
    assert one is not None

    def sent(**given: Any) -> int:
        """Have the page take what a browser sends; return how many answers are stored then."""

        def script(which: str, given: dict[str, object]) -> None:
            import streamlit as st

            from engine.reader_study import design, reading
            from pages.reader_study import state
            from pages.shared import resources

            st.query_params["who"] = "ann"
            known = design.load(resources.workspace(), which, actor=state.reader())
            found = reading.state(resources.workspace(), which, actor=state.reader()).next
            assert found is not None
            st.session_state["element"] = {"given": given}
            state.take(known, found, "element")
            state.show_error()

        taking = AppTest.from_function(
            script, kwargs={"which": study.reader_study_id, "given": given}, default_timeout=100
        )
        fine(taking.run())
        said.extend(errors(taking))
        return int(place.database.read("SELECT count(*) FROM reader_study_answers")[0][0])

    said: list[str] = []
    token = state.token(study, one)
    assert sent(token="another", ratings=[50], present=[True], seconds=3) == 0 and said == []
    assert sent(token=token, ratings=[500], present=[True], seconds=3) == 0 and "from 0 to 100" in said[-1]
    assert sent(token=token, ratings=[50], present=[True], seconds=3) == 1
    assert sent(token=token, ratings=[60], present=[True], seconds=3) == 1  # the next case has another token
    assert text("reader_study.place", n=2, total=4, session=1) in words(fine(screen.run()))


def test_who_is_no_reader_and_who_asks_for_the_makers_view_is_told_so(study: StoredReaderStudy) -> None:
    screen = new_screen().run()
    assert "You are no reader" in errors(shown(screen, study, "eve"))[0]
    assert "whoever made it" in errors(shown(screen, study, view="maker"))[0]
    assert "incomplete or was replaced" in errors(shown(screen, study, view="maker", key="guessed"))[0]
    assert "no such reader study" in errors(opened(screen, "reader_study", study="t-0", who="ann"))[0]
    press(screen, "home")
    assert "study" not in address(screen)


def test_whoever_has_read_everything_is_thanked(study: StoredReaderStudy, place: Workspace) -> None:
    read_session(place, study, reader("ann"))
    assert text("reader_study.done") in shown(new_screen().run(), study).success[0].value


def test_a_maker_sees_progress_then_closes_and_sees_results_and_files(
    study: StoredReaderStudy, place: Workspace
) -> None:
    read_session(place, study, reader("ann"), judge=lambda one: rated(one, 10 * one.number + 20 * (one.arm == "with")))
    key = access.new_key(place, study.reader_study_id, actor=single_user())
    screen = shown(new_screen().run(), study, key=key)
    assert ["ann", "4 / 4", "4 / 4"] in table_rows(screen)
    assert text("reader_study.figure_auc") not in str(table_rows(screen))
    press(screen, "close")
    figures = [row[0] for row in table_rows(screen)]
    assert figures[0] == text("reader_study.figure_auc") and text("reader_study.figure_certainty") in figures
    assert FINDING in words(screen) or FINDING in " ".join(one.value for one in screen.subheader)


def the_form(place: Workspace) -> AppTest:
    """Return the form, filled in but for its title and readers."""
    screen = opened(new_screen().run(), "reader_study")
    press(screen, "study-make")
    assert address(screen)["view"] == ["make"]
    screen.segmented_control(key="study-form-kind").set_value("ecg")
    fine(screen.run())
    screen.multiselect(key="study-form-findings-ecg").set_value([FINDING])
    screen.number_input(key="study-form-n").set_value(8)
    return fine(screen.run())


def test_a_study_is_made_on_screen_as_the_command_makes_it_and_its_maker_sees_it(place: Workspace) -> None:
    screen = the_form(place)
    screen.text_input(key="study-form-title").set_value("Do neighbours help?")
    screen.text_area(key="study-form-readers").set_value("ann\n  bob  \n\n")
    screen.number_input(key="study-form-washout").set_value(14)
    screen.number_input(key="study-form-neighbours").set_value(3)
    press(screen, "study-form-make")
    (made,) = design.listed(place, actor=single_user())
    by_command = design.draft(
        place, place.releases.serving()[0], replace(PLAN, findings=(FINDING,)), SOURCE, actor=single_user()
    )
    assert made.words == by_command.study.words and made.title == PLAN.title
    assert address(screen)["study"] == [made.reader_study_id] and address(screen)["view"] == ["maker"]
    assert "8 " in screen.success[0].value and {row[0] for row in table_rows(screen)} >= {"ann", "bob"}
    kinds = [one.kind for one in place.audit_rows(20)]
    assert kinds.count("reader study made") == 1


def test_what_cannot_be_made_is_one_sentence_and_nothing_is_stored(place: Workspace) -> None:
    screen = the_form(place)
    for title, readers, why in (
        ("", "ann", "title"),
        ("Do neighbours help?", "", "readers"),
        ("Do neighbours help?", "ann\nann", "named twice"),
    ):
        screen.text_input(key="study-form-title").set_value(title)
        screen.text_area(key="study-form-readers").set_value(readers)
        fine(screen.button(key="study-form-make").click().run())
        assert len(errors(screen)) == 1 and why in errors(screen)[0]
    screen.text_area(key="study-form-readers").set_value("ann")
    screen.number_input(key="study-form-prevalence").set_value(5)
    fine(screen.button(key="study-form-make").click().run())
    assert "is present in 0 of" in errors(screen)[0]
    screen.segmented_control(key="study-form-source").set_value("collection")
    fine(screen.run())
    fine(screen.button(key="study-form-make").click().run())
    assert "no collection" in errors(screen)[0] and design.listed(place, actor=single_user()) == []
