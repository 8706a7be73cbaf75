"""Reading: the drawn arm, the washout, neighbours that give nothing away, answers that stay, hostile readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from helpers.reader_studies import FINDING, MAKER, MONDAY, PLAN, SOURCE, made, rated, read_session, reader

from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, UsageError
from engine.reader_study import blind, design, reading, results
from engine.reader_study.reading import ReadingAnswer
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.store import reader_studies as table
from engine.store.reader_studies import Reading, StoredReaderStudy
from engine.workspace.workspace import Workspace

ANN, BOB = reader("ann"), reader("bob")


def account(name: str, *roles: str) -> Actor:
    return Actor(name, session=f"session of {name}", roles=roles or ("clinician",), signed_in=True)


def next_of(workspace: Workspace, study: StoredReaderStudy, actor: Actor) -> Reading:
    found = reading.state(workspace, study.reader_study_id, actor=actor).next
    assert found is not None
    return found


def in_arm(workspace: Workspace, study: StoredReaderStudy, arm: str) -> Reading:
    """Read on until the next case is in an arm; return it, opened."""
    while (one := next_of(workspace, study, ANN)).arm != arm:
        reading.open_reading(workspace, study.reader_study_id, one, actor=ANN)
        reading.answer(workspace, study.reader_study_id, one, rated(one), actor=ANN)
    reading.open_reading(workspace, study.reader_study_id, one, actor=ANN)
    return one


def test_the_second_session_opens_after_the_washout_and_reads_every_case_in_the_other_arm(workspace) -> None:
    study = made(workspace)
    last = read_session(workspace, study, ANN)
    waiting = reading.state(workspace, study.reader_study_id, actor=ANN, now=last + timedelta(days=13, hours=23))
    assert waiting.next is None and waiting.opens_at == last + timedelta(days=14) and not waiting.is_done
    later = read_session(workspace, study, ANN, last + timedelta(days=14))
    done = reading.state(workspace, study.reader_study_id, actor=ANN, now=later)
    assert done.is_done and (done.session, done.answered, done.of) == (2, 8, 8)
    arms = workspace.database.read(
        "SELECT number, count(DISTINCT arm) FROM reader_study_answers JOIN reader_study_order"
        " USING (reader_study_id, reader, session, number) GROUP BY 1"
    )
    assert sorted(arms) == [(number, 2) for number in range(1, 9)]


def test_without_a_washout_the_second_session_follows_at_once(workspace) -> None:
    study = made(workspace, replace(PLAN, washout_days=0))
    last = read_session(workspace, study, ANN)
    assert reading.state(workspace, study.reader_study_id, actor=ANN, now=last).is_done


def test_neighbours_come_in_their_arm_alone_and_are_never_of_the_patient_or_of_the_study(workspace, release) -> None:
    study = made(workspace)
    alone = in_arm(workspace, study, "without")
    assert reading.neighbours(workspace, release, study.reader_study_id, alone, actor=ANN) == ()
    study = made(workspace, replace(PLAN, title="Again", seed=2))
    beside = in_arm(workspace, study, "with")
    found = reading.neighbours(workspace, release, study.reader_study_id, beside, actor=ANN)
    assert len(found) == 3 and {one.modality for one in found} == {"ecg"}
    own = workspace.row(beside.study_id, actor=single_user())
    assert own.patient_id not in {one.patient_id for one in found}
    cases = {
        study_id
        for (study_id,) in workspace.database.read(
            "SELECT study_id FROM reader_study_cases WHERE reader_study_id = ?", [study.reader_study_id]
        )
    }
    assert not cases & {one.study_id for one in found}
    shown = table.shown_beside(workspace.database, study.reader_study_id, beside)
    assert shown == [(release.name, one.study_id) for one in found]
    searched = next(one for one in workspace.audit_rows() if one.kind == "again")
    assert list(searched.returned) == [one.study_id for one in found]


def test_neighbours_of_another_release_than_the_protocols_are_not_shown(workspace, release) -> None:
    draft = design.draft(workspace, "r1", PLAN, SOURCE, actor=MAKER)
    study = design.make(workspace, draft, actor=MAKER)
    one = in_arm(workspace, study, "with")
    with pytest.raises(UsageError, match="The protocol names release r1"):
        reading.neighbours(workspace, release, study.reader_study_id, one, actor=ANN)
    with pytest.raises(UsageError, match="The protocol names release r1"):
        reading.answer(workspace, study.reader_study_id, one, rated(one), actor=ANN)


def test_an_answer_stays_as_it_was_given_and_comes_for_the_case_that_is_shown(workspace) -> None:
    study = made(workspace)
    which = study.reader_study_id
    one = next_of(workspace, study, ANN)
    with pytest.raises(UsageError, match="not opened yet"):
        reading.answer(workspace, which, one, rated(one), actor=ANN)
    reading.open_reading(workspace, which, one, actor=ANN)
    for given in (
        ReadingAnswer((101,), (True,), 1.0),
        ReadingAnswer((-1,), (True,), 1.0),
        ReadingAnswer((), (), 1.0),
        ReadingAnswer((50, 50), (True, True), 1.0),
        ReadingAnswer((50,), (None,), 1.0),  # type: ignore[arg-type]
        ReadingAnswer((0.5,), (True,), 1.0),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match="from 0 to 100"):
            reading.answer(workspace, which, one, given, actor=ANN)
    reading.answer(workspace, which, one, rated(one), actor=ANN)
    with pytest.raises(UsageError, match="not the case that you read now"):
        reading.answer(workspace, which, one, rated(one, 10), actor=ANN)
    assert workspace.database.read("SELECT ratings FROM reader_study_answers") == [([70],)]
    second = next_of(workspace, study, ANN)
    last = [row for row in table.readings(workspace.database, single_user(), which, second.reader) if row.session == 2][
        -1
    ]
    for early in (last, replace(second, study_id=one.study_id), replace(second, reader=3 - second.reader)):
        with pytest.raises(UsageError, match="not the case that you read now"):
            reading.open_reading(workspace, which, early, actor=ANN)


def test_no_more_seconds_count_than_passed_since_the_case_was_opened(workspace) -> None:
    study = made(workspace)
    seconds = []
    for claimed in (20.0, 1e9, -5.0, float("nan")):
        one = next_of(workspace, study, ANN)
        reading.open_reading(workspace, study.reader_study_id, one, actor=ANN, now=MONDAY)
        later = MONDAY + timedelta(seconds=30)
        given = replace(rated(one), visible_s=claimed)
        seconds.append(reading.answer(workspace, study.reader_study_id, one, given, actor=ANN, now=later).visible_s)
    assert seconds == [20.0, 30.0, 0.0, 30.0]


def test_a_reader_who_was_interrupted_goes_on_with_the_same_case(workspace) -> None:
    study = made(workspace)
    one = next_of(workspace, study, ANN)
    reading.open_reading(workspace, study.reader_study_id, one, actor=ANN, now=MONDAY)
    again = next_of(workspace, study, ANN)
    assert replace(again, opened_at=None) == one and again.opened_at == MONDAY
    reading.open_reading(workspace, study.reader_study_id, again, actor=ANN, now=MONDAY + timedelta(hours=1))
    assert next_of(workspace, study, ANN).opened_at == MONDAY
    opened = [row for row in workspace.audit_rows() if row.kind == "reading opened"]
    assert len(opened) == 1 and opened[0].returned == (one.study_id,)


def test_cases_are_out_of_a_readers_sight_everywhere_until_the_study_is_closed(workspace, release) -> None:
    study = made(workspace, replace(PLAN, readers=("ann@site", "bob@site")), actor=account("kim", "curator"))
    ann, kim = account("ann@site"), account("kim", "curator")
    one = next_of(workspace, study, ann)
    blinded = blind.as_reader(workspace, actor=ann)
    assert len(blinded.withheld) == 8
    with pytest.raises(NotPermittedError):
        workspace.row(one.study_id, actor=blinded)
    with pytest.raises(UsageError):
        retrieval.search_stored(workspace, release, one.study_id, Options(k=3), actor=blinded)
    cases = {row.encounter_id for row in table.readings(workspace.database, single_user(), study.reader_study_id)}
    answer = retrieval.search_stored(workspace, release, _other(workspace, cases), Options(k=1000), actor=blinded)
    assert not cases & {neighbour.encounter_id for neighbour in answer.neighbours}
    assert blind.as_reader(workspace, actor=account("eve")).withheld == ()
    design.close(workspace, study.reader_study_id, actor=kim)
    assert blind.as_reader(workspace, actor=ann).withheld == ()
    assert workspace.row(one.study_id, actor=ann).labels


def _other(workspace: Workspace, cases: set[str]) -> str:
    """Return a study that is in no case of the reader study."""
    rows = workspace.rows(actor=single_user())
    return next(one.study_id for one in rows if one.modality == "ecg" and one.encounter_id not in cases)


def test_where_nobody_signs_in_the_browser_that_reads_is_blinded(workspace) -> None:
    study = made(workspace)
    assert blind.as_reader(workspace, actor=ANN).withheld == ()
    reading.open_reading(workspace, study.reader_study_id, next_of(workspace, study, ANN), actor=ANN)
    assert len(blind.as_reader(workspace, actor=ANN).withheld) == 8
    assert blind.as_reader(workspace, actor=MAKER).withheld == ()


def test_a_hostile_reader_gets_no_other_readers_case_answers_truth_or_results(workspace, release) -> None:
    kim, ann, bob, eve = account("kim", "curator"), account("ann"), account("bob"), account("eve", "learner")
    study = made(workspace, actor=kim)
    which = study.reader_study_id
    of_bob = next_of(workspace, study, bob)
    reading.open_reading(workspace, which, of_bob, actor=bob)
    for attempt in (
        lambda: reading.open_reading(workspace, which, of_bob, actor=ann),
        lambda: reading.answer(workspace, which, of_bob, rated(of_bob), actor=ann),
        lambda: reading.neighbours(workspace, release, which, of_bob, actor=ann),
        lambda: results.closed(workspace, which, actor=ann),
        lambda: results.closed(workspace, which, actor=ann, export=True),
        lambda: results.closed(workspace, which, actor=kim),
        lambda: design.close(workspace, which, actor=ann),
        lambda: design.progress(workspace, which, actor=ann),
        lambda: reading.state(workspace, which, actor=eve),
        lambda: reading.state(workspace, which, actor=kim),
        lambda: design.load(workspace, which, actor=eve),
    ):
        with pytest.raises(UsageError):
            attempt()
    assert design.listed(workspace, actor=eve) == [] and design.listed(workspace, actor=ann) == [study]
    assert workspace.database.read("SELECT count(*) FROM reader_study_answers")[0][0] == 0
    for role in ("teacher", "clinician", "learner"):  # whoever reads has the cases withheld, by whatever role
        somebody = account("bob", role)
        assert len(blind.as_reader(workspace, actor=somebody).withheld) == 8


def test_what_a_reader_is_given_carries_no_truth(workspace) -> None:
    study = made(workspace)
    found = reading.state(workspace, study.reader_study_id, actor=ANN)
    assert found.next is not None and "truth" not in vars(found.next)
    assert found.protocol.findings == (FINDING,) and '"present"' not in study.words


def test_after_closing_no_answer_is_taken(workspace) -> None:
    study = made(workspace)
    one = next_of(workspace, study, ANN)
    reading.open_reading(workspace, study.reader_study_id, one, actor=ANN)
    design.close(workspace, study.reader_study_id, actor=MAKER)
    with pytest.raises(UsageError, match="is closed"):
        reading.answer(workspace, study.reader_study_id, one, rated(one), actor=ANN)
    with pytest.raises(UsageError, match="is closed"):
        reading.open_reading(workspace, study.reader_study_id, one, actor=ANN)
    with pytest.raises(UsageError, match="closed already"):
        design.close(workspace, study.reader_study_id, actor=MAKER)


def test_a_case_whose_patient_withdrew_is_left_out(workspace) -> None:
    study = made(workspace)
    one = next_of(workspace, study, ANN)
    row = workspace.row(one.study_id, actor=single_user())
    workspace.set_consent(row.patient_id, False, actor=single_user())
    after = reading.state(workspace, study.reader_study_id, actor=ANN)
    assert after.hidden == 1 and after.of == 7
    assert after.next is not None and after.next.study_id != one.study_id
