"""The compare screen without a browser: what an address opens, what is refused, and why two cases match."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from helpers.screens import address, asked, card, cards, keys, press, press_card, said_no_error, words
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.reference import ReferenceFinding, to_text
from engine.strings import text
from engine.workspace.annotations import save_annotations
from engine.workspace.workspace import Workspace

FILM, ECG, PULSE = "syn-0001-e1-cxr", "syn-0001-e1-ecg", "syn-0003-e1-ppg"
LIMIT_S = 120


@pytest.fixture
def compare(app: AppTest) -> Iterator[AppTest]:
    """The app at the compare screen, without a pair."""
    app.switch_page("pages/compare/page.py")
    app.query_params.clear()
    yield said_no_error(app.run())
    if text("detail.hide") in [one.label for one in app.button]:
        press(app, "why-button")  # stops what is refined behind


def opened(screen: AppTest, query: str, case: str, **more: str) -> AppTest:
    screen.query_params["case"] = case
    return asked(screen, query, **more)


def refused(screen: AppTest, query: str, case: str) -> str:
    """Open an address that cannot be; return the one sentence, beside which the ways out stand."""
    screen.query_params["query"], screen.query_params["case"] = query, case
    screen.run()
    assert not screen.exception and len(screen.error) == 1
    assert keys(screen) >= {"back", "new"} and not screen.title
    return screen.error[0].value


def sliders(screen: AppTest) -> list[str]:
    return [one.key for one in screen.slider if one.key == "opacity"]


def title(screen: AppTest) -> str:
    return str(screen.title[0].value)


def test_without_a_pair_any_two_studies_can_be_chosen(compare: AppTest, place: Workspace) -> None:
    assert title(compare) == text("compare.choose_title") and not compare.button(key="choose-go").disabled
    compare.button_group(key="first-kind").set_value("ecg").run()
    compare.selectbox(key="first-label").set_value("atrial fibrillation").run()
    first = compare.selectbox(key="first-study").value
    row = place.row(first, actor=single_user())
    assert "atrial fibrillation" in row.labels and row.modality == "ecg"
    second = compare.selectbox(key="second-study").value
    press(compare, "choose-go")
    assert address(compare)["query"] == [first] and address(compare)["case"] == [second]
    assert title(compare).endswith("beside your query")


def test_a_label_that_nothing_of_a_kind_carries_is_not_offered(compare: AppTest, place: Workspace) -> None:
    compare.button_group(key="first-kind").set_value("ppg").run()
    offered = set(compare.selectbox(key="first-label").options)
    assert offered == {label for row in place.all_rows() if row.modality == "ppg" for label in row.labels}


def test_two_of_one_kind_are_linked_until_they_are_let_go(compare: AppTest, place: Workspace) -> None:
    case = next(row.study_id for row in place.all_rows() if row.modality == "ecg" and row.patient_id != "syn-0001")
    opened(compare, ECG, case, into="ecg", k="50")
    assert "rate-relevant" in keys(compare)
    assert compare.button(key="link-button").label == text("compare.unlink")
    press(compare, "link-button")
    assert compare.button(key="link-button").label == text("compare.link")
    opened(compare, ECG, FILM)  # two kinds have no common scale
    assert "link-button" not in keys(compare)


def test_a_case_that_was_not_found_has_neither_rank_nor_mark(compare: AppTest, place: Workspace) -> None:
    opened(compare, ECG, ECG)  # a study is not among its own neighbours
    assert title(compare) == text("compare.unranked", kind=text("modality_one.ecg"))
    assert text("compare.not_ranked") in words(compare)
    assert not any((key or "").startswith("rate-") for key in keys(compare)) and "next" not in keys(compare)
    assert place.ratings(ECG, actor=single_user()) == []


def test_what_is_known_of_a_film_stands_beside_what_its_reader_drew(compare: AppTest, place: Workspace) -> None:
    left = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
    known = ReferenceFinding("Pleural Effusion", side="left", polygons=(left,), measured=(("ml", 450.0),))
    with place.database.write() as cursor:
        columns = json.dumps({"reference_findings": to_text([known])})
        cursor.execute("UPDATE studies SET extra = ? WHERE study_id = ?", [columns, FILM])
    rows, columns_px = place.study(FILM, actor=single_user()).film.pixels.shape
    corners = [[columns_px / 2, rows / 2], [columns_px, rows]]
    save_annotations(place, FILM, [{"kind": "region", "shape": "box", "points": corners}], actor=single_user())
    opened(compare, ECG, FILM)
    assert "Pleural Effusion, left\\: 450 ml" in words(compare)
    (line,) = next(one.value for one in compare.table if text("reference.column_overlap") in one.value).values
    assert line[2] == "100 %" and line[3] == text("annotation.unit_mm", value="0.0")


@pytest.mark.parametrize("case", ["nobody", "../../etc/passwd", "<img src=x onerror=alert(1)>", "x" * 5000, "\x00"])
def test_a_case_that_is_not_there_is_one_sentence(compare: AppTest, case: str) -> None:
    said = refused(compare, ECG, case)
    assert said.endswith(".") and len(said) < 400


def test_a_query_that_is_not_there_is_one_sentence_and_a_new_one_is_a_press_away(compare: AppTest) -> None:
    assert "q-0000" in refused(compare, "q-0000", FILM)
    press(compare, "new")
    assert not {"query", "case"} & set(address(compare))


def test_a_patient_who_withdraws_is_gone_from_an_open_page(compare: AppTest, place: Workspace) -> None:
    opened(compare, ECG, PULSE)
    patient = place.row(PULSE, actor=single_user()).patient_id
    place.set_consent(patient, False, actor=single_user())
    try:
        compare.run()
        assert [one.value for one in compare.error] == [text("compare.withdrawn", study=PULSE)]
        assert not compare.title and text("card.labelled_as") not in words(compare)
    finally:
        place.set_consent(patient, True, actor=single_user())
    assert not said_no_error(compare.run()).error


def test_a_patient_who_withdraws_leaves_the_results_that_are_open(compare: AppTest, place: Workspace) -> None:
    compare.switch_page("pages/search/page.py")
    ids = cards(asked(compare, ECG, k="3", more=["cxr", "ecg", "ppg", "text"]))
    drawn = [row for row in place.rows(ids, actor=single_user()) if row.modality != "text"]
    patient = drawn[0].patient_id
    theirs = {row.study_id for row in place.all_rows() if row.patient_id == patient}
    assert all(card(compare, one.study_id)["picture"] for one in drawn)  # all of them are drawn, and kept
    place.set_consent(patient, False, actor=single_user())
    try:
        left = cards(said_no_error(compare.run()))
        assert left and not theirs & set(left)
    finally:
        place.set_consent(patient, True, actor=single_user())
    assert cards(said_no_error(compare.run())) == ids


def test_a_query_whose_patient_withdraws_shows_nothing_any_more(compare: AppTest, place: Workspace) -> None:
    compare.switch_page("pages/search/page.py")
    assert cards(asked(compare, ECG, k="3"))
    patient = place.row(ECG, actor=single_user()).patient_id
    place.set_consent(patient, False, actor=single_user())
    try:
        compare.run()
        assert len(compare.error) == 1 and not cards(compare)
    finally:
        place.set_consent(patient, True, actor=single_user())


def test_steps_lead_through_all_results_and_end_there(compare: AppTest) -> None:
    compare.switch_page("pages/search/page.py")
    ids = cards(asked(compare, ECG, k="5", more=["cxr", "ecg", "ppg", "text"]))
    press_card(compare, "open", ids[0])
    assert compare.button(key="previous").disabled
    seen = [address(compare)["case"][0]]
    while not compare.button(key="next").disabled:
        press(compare, "next")
        seen.append(address(compare)["case"][0])
    assert sorted(seen) == sorted(ids) and text("detail.place", n=len(ids), total=len(ids)) in words(compare)


def test_a_mark_is_on_disk_before_the_page_says_so_and_can_be_taken_back(compare: AppTest, place: Workspace) -> None:
    compare.switch_page("pages/search/page.py")
    case = cards(asked(compare, ECG))[0]
    press_card(compare, "open", case)
    press(compare, "rate-partly")
    assert [(one.study_id, one.mark) for one in place.ratings(ECG, actor=single_user())] == [(case, "partly")]
    assert text("card.saved_line", mark=text("mark.partly")) in words(compare)
    press(compare, "rate-partly")
    assert place.ratings(ECG, actor=single_user()) == []


def test_why_is_off_until_asked_for_and_says_how_far_to_trust_it(compare: AppTest) -> None:
    opened(compare, ECG, FILM)
    assert compare.button(key="why-button").label == text("detail.overlay") and not sliders(compare)
    press(compare, "why-button")
    until = time.monotonic() + LIMIT_S
    while "convergence gap" not in words(compare) and time.monotonic() < until:
        time.sleep(0.5)
        said_no_error(compare.run())
    assert words(compare).count("convergence gap") == 2  # one for either side
    assert "Baseline" in words(compare) or "compared with" in words(compare)
    assert compare.slider(key="opacity").value == 75
    if "stop" in keys(compare):
        press(compare, "stop")
    press(compare, "why-button")
    assert "convergence gap" not in words(compare) and not sliders(compare)


def test_traces_are_explained_by_shap_first_and_the_key_goes_to_the_next_method(compare: AppTest) -> None:
    opened(compare, PULSE, "syn-0001-e1-ppg")
    press(compare, "why-button")

    def waited_for(said: str) -> str:
        until = time.monotonic() + LIMIT_S
        while said not in words(compare) and time.monotonic() < until:
            time.sleep(0.5)
            said_no_error(compare.run())
        return words(compare)

    assert "SHAP of" in waited_for("SHAP of") and "convergence gap" not in words(compare)
    assert "agree by" in waited_for("agree by")
    assert "within twice the error" in words(compare)
    press(compare, "why-next")
    assert "Occlusion: what is lost" in waited_for("Occlusion: what is lost") and "SHAP of" not in words(compare)
    press(compare, "why-next")
    assert "convergence gap" in waited_for("convergence gap")


def test_the_choice_of_a_collection_outlives_pages_drawn_anew_and_ends_with_the_next_case(compare: AppTest) -> None:
    opened(compare, ECG, FILM)
    press(compare, f"collect-{FILM}")
    for _ in range(2):  # as when a finer map has come meanwhile
        assert "collect-add" in keys(said_no_error(compare.run()))
    opened(compare, ECG, PULSE)
    assert "collect-add" not in keys(compare)
    opened(compare, ECG, FILM)
    assert "collect-add" not in keys(compare)


def test_what_is_open_over_one_page_is_not_open_over_the_next(compare: AppTest) -> None:
    opened(compare, ECG, FILM)
    press(compare, f"collect-{FILM}")
    assert "collect-add" in keys(compare)
    compare.switch_page("pages/search/page.py")
    compare.query_params.clear()
    asked(compare, ECG)
    assert "collect-add" not in keys(compare)
    opened_again = compare.switch_page("pages/compare/page.py")
    opened(opened_again, ECG, FILM)
    assert "collect-add" not in keys(compare)
