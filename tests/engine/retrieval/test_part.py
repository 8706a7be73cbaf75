"""A box of a film, a stretch of a trace: searched alone, judged where it can be, never the same patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import settings
from engine.actor import single_user
from engine.errors import NotPermittedError, UsageError
from engine.explain.attribution import explain_pair
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.model.region import patches
from engine.model.release import Release
from engine.retrieval.part import window_from
from engine.retrieval.search import Options, search, search_part, search_stored
from engine.study import Study, Trace, fingerprint
from engine.workspace.workspace import Workspace

FILM, ECG = "syn-0001-e1-cxr", "syn-0001-e1-ecg"
ALL = (0.0, 0.0, 1.0, 1.0)


def half_flat() -> Study:
    """Return 20 s of a real trace, twice, whose second half is a flat line."""
    study = read_paths([settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"])
    whole: Trace = study.content  # type: ignore[assignment]
    samples = np.concatenate([whole.samples, np.zeros_like(whole.samples)], axis=1)
    trace = Trace(samples, whole.leads, whole.fs, whole.units)
    return replace(study, content=trace, fingerprint=fingerprint(trace), window_s=None)


def test_a_box_asks_for_something_else_and_the_box_of_all_asks_for_the_film(
    workspace: Workspace, release: Release
) -> None:
    whole = search_stored(workspace, release, FILM, Options(), actor=single_user())
    everything = search_part(workspace, release, FILM, Options(), actor=single_user(), box=ALL)
    corner = search_part(workspace, release, FILM, Options(), actor=single_user(), box=(0.05, 0.5, 0.45, 0.95))
    assert everything.code_hex == whole.code_hex
    assert corner.code_hex != whole.code_hex
    assert corner.verdict == whole.verdict  # a film is judged as a whole
    assert corner.study.recognised.endswith("the box from 5% to 45% across and 50% to 95% down")
    assert [row.kind for row in workspace.audit_rows(3)] == ["part", "part", "again"]


def test_patches_are_those_that_the_box_touches_on_a_letterboxed_film() -> None:
    wide = (100, 200)  # black above and below: rows 4 to 11 of 16 hold the film
    assert patches(wide, ALL).tolist() == [row * 16 + column for row in range(4, 12) for column in range(16)]
    assert patches((224, 224), (0.0, 0.0, 0.06, 0.06)).tolist() == [0]
    assert patches((224, 224), (0.5, 0.0, 0.51, 0.06)).tolist() == [8]


def test_a_stretch_is_searched_as_if_it_were_the_recording(workspace: Workspace, release: Release) -> None:
    found = search_part(workspace, release, ECG, Options(), actor=single_user(), stretch=(2.0, 7.0))
    whole: Trace = workspace.study(ECG, actor=single_user()).content  # type: ignore[assignment]
    at = slice(round(2 * whole.fs), round(7 * whole.fs))
    cut = Trace(whole.samples[:, at], whole.leads, whole.fs, whole.units)
    assert (
        found.code_hex
        == search(workspace, release, Study("ecg", cut, "5 s of it"), Options(), actor=single_user()).code_hex
    )
    assert found.code_hex != search_stored(workspace, release, ECG, Options(), actor=single_user()).code_hex
    assert found.study.recognised.endswith("2 to 7 s of it")


def test_a_stretch_is_judged_by_itself_and_a_refused_one_leaves_nothing_but_its_audit(
    workspace: Workspace, release: Release
) -> None:
    asked = search(workspace, release, half_flat(), Options(), actor=single_user())
    assert asked.verdict.accepted
    assert search_part(
        workspace, release, asked.query_id, Options(), actor=single_user(), stretch=(0.0, 10.0)
    ).verdict.accepted
    refused = search_part(workspace, release, asked.query_id, Options(), actor=single_user(), stretch=(10.0, 20.0))
    assert not refused.verdict.accepted and refused.verdict.reasons and not refused.neighbours
    assert workspace.query(refused.query_id, actor=single_user()) is None
    assert workspace.audit_rows(1)[0].refused


def test_a_part_never_finds_its_own_patient_and_is_the_same_when_asked_again(
    workspace: Workspace, release: Release
) -> None:
    patient = workspace.row(FILM, actor=single_user()).patient_id
    for found in (
        search_part(workspace, release, FILM, Options(k=100), actor=single_user(), box=(0.1, 0.1, 0.6, 0.6)),
        search_part(workspace, release, ECG, Options(k=100), actor=single_user(), stretch=(1.0, 6.0)),
    ):
        repeated = search_stored(workspace, release, found.query_id, Options(k=100), actor=single_user())
        assert repeated.neighbours == found.neighbours
        assert found.neighbours and patient not in {one.patient_id for one in found.neighbours}
        smaller = {"box": (0.2, 0.2, 0.5, 0.5)} if found.study.modality == "cxr" else {"stretch": (2.0, 5.0)}
        again_part = search_part(workspace, release, found.query_id, Options(k=100), actor=single_user(), **smaller)
        assert again_part.study.facts["part_of"] in (FILM, ECG)  # the whole, whichever part it was chosen on
        assert again_part.study.recognised.count(" of it") + again_part.study.recognised.count("the box") == 1
        assert patient not in {one.patient_id for one in again_part.neighbours}


@pytest.mark.parametrize(
    ("study_id", "asked", "words"),
    [
        (ECG, {"box": ALL}, "Only films have regions"),
        (FILM, {"stretch": (0.0, 5.0)}, "Only films have regions"),
        (FILM, {}, "Only films have regions"),
        (FILM, {"box": (0.5, 0.5, 0.52, 0.9)}, "less than 5%"),
        (FILM, {"box": (0.5, 0.5, float("nan"), 0.9)}, "not a box"),
        (FILM, {"box": (0.9, 0.1, 0.1, 0.9)}, "less than 5%"),
        (ECG, {"stretch": (8.0, 30.0)}, "not within the recording"),
        (ECG, {"stretch": (1.0, 2.0)}, "2.5 to 10 s"),
        (ECG, {"stretch": (5.0, 2.0)}, "not within the recording"),
        ("s-unknown", {"box": ALL}, "no study s-unknown"),
    ],
)
def test_what_is_no_part_is_one_sentence(
    workspace: Workspace, release: Release, study_id: str, asked: dict[str, tuple[float, ...]], words: str
) -> None:
    before = len(workspace.audit_rows())
    with pytest.raises(UsageError, match=words):
        search_part(workspace, release, study_id, Options(), actor=single_user(), **asked)  # type: ignore[arg-type]
    assert len(workspace.audit_rows()) == before


def test_a_box_is_explained_as_it_was_searched(workspace: Workspace, release: Release) -> None:
    found = search_part(
        workspace, release, FILM, Options(targets=("ecg",), k=1), actor=single_user(), box=(0.1, 0.1, 0.6, 0.6)
    )
    match = found.neighbours[0].study_id
    vectors = workspace.embeddings(release.name, [match])
    maps = next(explain_pair(release, found.study, workspace.study(match, actor=single_user())))
    stored = workspace.query(found.query_id, actor=single_user())
    assert stored is not None
    assert maps.similarity == pytest.approx(float(stored.embedding @ vectors[0]), abs=1e-3)


def test_the_window_of_a_long_recording_can_be_chosen(workspace: Workspace, release: Release) -> None:
    asked = search(workspace, release, window_from(long_recording(), 25.0), Options(), actor=single_user())
    assert asked.study.window_s == (25.0, 35.0)
    assert asked.study.recognised.endswith("25 to 35 s of it")
    best = search(workspace, release, long_recording(), Options(), actor=single_user())
    again = search_part(workspace, release, best.query_id, Options(), actor=single_user(), stretch=(25.0, 35.0))
    assert asked.code_hex == again.code_hex
    with pytest.raises(UsageError, match="not within the recording"):
        window_from(long_recording(), 99.0)
    with pytest.raises(UsageError, match="Only recordings have a time"):
        window_from(read_text("pleural effusion"), 1.0)


def long_recording() -> Study:
    """Return 40 s of a trace of the shipped cohort, four times."""
    study = read_paths([settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"])
    whole = study.trace
    trace = Trace(np.tile(whole.samples, (1, 4)), whole.leads, whole.fs, whole.units)
    return replace(study, content=trace, fingerprint=fingerprint(trace), window_s=None)


def test_a_part_of_a_study_is_gone_with_its_patient(workspace: Workspace, release: Release) -> None:
    asked = search_part(workspace, release, ECG, Options(), actor=single_user(), stretch=(2.0, 7.0))
    workspace.set_consent(workspace.row(ECG, actor=single_user()).patient_id, False, actor=single_user())
    with pytest.raises(NotPermittedError, match="withdrawn consent"):
        workspace.query(asked.query_id, actor=single_user())
    with pytest.raises(UsageError, match="withdrawn consent"):
        search_stored(workspace, release, asked.query_id, Options(), actor=single_user())
