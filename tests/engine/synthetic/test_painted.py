"""Films of severities: what is painted is what was asked for, measured, in its place, on the same body."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.simple_generators import SIMPLE
from helpers.simple_generators import film as any_film

from engine.errors import UsageError
from engine.reference import ReferenceFinding, findings_in, of_label
from engine.synthetic.chance import RandomStreams
from engine.synthetic.cohort import CohortPlan, passing_in, write_cohort
from engine.synthetic.draw import draw_patients
from engine.synthetic.painted import DrawnFilm, as_shown, draw_film, wanted
from engine.synthetic.patients import Encounter
from engine.synthetic.reports import FilmChange, change, film_report
from engine.synthetic.severity import Severity
from engine.workspace.manifest import read_manifest

SEED = 4
STREAMS = RandomStreams(SEED)
EFFUSION = ReferenceFinding(
    "Pleural Effusion",
    "pleural effusion",
    "left",
    polygons=(((0.6, 0.7), (0.9, 0.7), (0.9, 0.9)),),
    measured=(("ml", 400.0),),
    words="Small left pleural effusion with a meniscus.",
)


@pytest.fixture(scope="module")
def encounter() -> Encounter:
    """A woman's PA film with a large heart and fluid on both sides."""
    one = draw_patients(1, SEED, couplings="on")[0].encounters[0]
    severity = Severity(0.6, 45.0, 32.0, 0.5, effusion_left_ml=300.0, effusion_right_ml=900.0)
    return replace(one, film=("Cardiomegaly", "Pleural Effusion"), view="PA", severity=severity, sex="F", age=60)


def drawn(one: Encounter) -> DrawnFilm:
    return draw_film(one, STREAMS.person_rng(one, "cxr"), STREAMS.study_rng(one, "film", "cxr"))


@pytest.fixture(scope="module")
def film(encounter: Encounter) -> DrawnFilm:
    return drawn(encounter)


def test_findings_are_painted_as_severe_as_they_are_and_on_their_sides(film: DrawnFilm) -> None:
    (heart,) = of_label(film.findings, "Cardiomegaly")
    assert heart.measure("ctr") == pytest.approx(0.6, abs=0.03)
    right, left = sorted(of_label(film.findings, "Pleural Effusion"), key=lambda one: -(one.measure("ml") or 0))
    assert (right.side, left.side) == ("right", "left")
    assert right.measure("ml") == pytest.approx(900, rel=0.15) and left.measure("ml") == pytest.approx(300, rel=0.15)
    assert right.mask((100, 100)).nonzero()[1].mean() < 50 < left.mask((100, 100)).nonzero()[1].mean()
    assert "right" in right.words and "left" in left.words
    assert film.spacing_mm and 0.4 < film.spacing_mm < 1.2 and film.pixels.shape == (512, 512)


def test_a_clear_film_of_the_same_person_is_darker_where_fluid_was(film: DrawnFilm, encounter: Encounter) -> None:
    assert encounter.severity is not None
    dry = replace(encounter.severity, effusion_left_ml=0.0, effusion_right_ml=0.0)
    clear = drawn(replace(encounter, film=("Cardiomegaly",), severity=dry))
    fluid = of_label(film.findings, "Pleural Effusion")[0].mask(film.pixels.shape)
    assert film.pixels[fluid].mean() > clear.pixels[fluid].mean() + 10
    outside = slice(0, 200), slice(0, 512)
    assert np.abs(film.pixels[outside].astype(int) - clear.pixels[outside]).mean() < 6  # the same body
    assert not of_label(clear.findings, "Pleural Effusion")


def test_traces_follow_what_the_film_shows_where_they_are_coupled(film: DrawnFilm) -> None:
    shown = film.encounter.severity
    assert shown is not None and shown.effusion_right_ml == pytest.approx(900, rel=0.15)
    other = replace(film, encounter=replace(film.encounter, severity=replace(shown, cardiothoracic_ratio=0.4)))
    assert as_shown(film, coupled=True).effects != as_shown(other, coupled=True).effects
    assert as_shown(film, coupled=False).effects == film.encounter.effects


def test_a_label_that_nothing_shows_is_refused(encounter: Encounter) -> None:
    asked = replace(encounter, film=("Pleural Other",))
    assert asked.severity is not None
    with pytest.raises(UsageError, match="Pleural Other can be painted"):
        list(wanted(asked, asked.severity, np.random.default_rng(0), np.random.default_rng(0)))
    with pytest.raises(UsageError, match="without severities"):
        drawn(replace(encounter, severity=None))


def test_a_lesion_lies_where_fluid_does_not_hide_it(encounter: Encounter) -> None:
    assert encounter.severity is not None
    for right, side in ((900.0, "left"), (0.0, "right")):
        severity = replace(encounter.severity, effusion_left_ml=300.0, effusion_right_ml=right)
        asked = replace(encounter, film=("Lung Lesion", "Pleural Effusion"), severity=severity)
        found = wanted(asked, severity, np.random.default_rng(0), np.random.default_rng(0))
        assert {one.side for one in found if one.kind in ("nodule", "mass", "cavity")} == {side}


def test_every_label_of_the_prior_for_painted_films_can_be_painted(encounter: Encounter) -> None:
    patients = draw_patients(300, 7, couplings="on", painted=True)
    labels = {label for one in patients for e in one.encounters for label in e.film}
    assert {"Emphysema", "Atelectasis", "Pneumothorax"} <= labels
    for label in labels - {"No Finding", "Cardiomegaly"}:
        asked = replace(encounter, film=(label,))
        assert asked.severity is not None
        severity = replace(asked.severity, pneumothorax_left=0.3, consolidation=0.2, consolidation_side="left")
        assert list(wanted(asked, severity, np.random.default_rng(0), np.random.default_rng(0))), label


def test_a_report_says_side_size_and_growth_of_what_was_painted(encounter: Encounter) -> None:
    one, before = replace(encounter, film=("Pleural Effusion",)), replace(encounter, film=("Pleural Effusion",))
    larger = replace(EFFUSION, measured=(("ml", 800.0),))
    said = film_report(one, before, np.random.default_rng(1), FilmChange((larger,), (EFFUSION,)))
    assert EFFUSION.words in said and "left pleural effusion" in said and "pleural effusion has increased" in said
    assert change([EFFUSION], [larger]) == "smaller" and change([EFFUSION], [EFFUSION]) == "same"
    asked = replace(EFFUSION, label="Pneumonia", kind="consolidation", place="lower lobe")
    said = film_report(replace(one, film=("Pneumonia",)), None, np.random.default_rng(1), FilmChange((asked,)))
    assert "left lower lobe." in said and EFFUSION.words not in said


def test_a_cohort_of_painted_films_states_spacing_findings_and_what_passed(tmp_path: Path) -> None:
    def paint(one: Encounter, person: np.random.Generator, rng: np.random.Generator) -> DrawnFilm:
        return replace(any_film(one, person, rng), spacing_mm=0.7, findings=(EFFUSION,))

    record = tmp_path / "checks.json"
    record.write_text(json.dumps({"passing": ["No Finding"]}))
    plan = CohortPlan("on", passing_in(record))
    write_cohort(tmp_path / "cohort", replace(SIMPLE, film=paint), n=4, streams=STREAMS, plan=plan)
    entries = [one for one in read_manifest(tmp_path / "cohort") if one.facts["modality"] == "cxr"]
    assert entries and all(one.load(b"").film.spacing_mm == (0.7, 0.7) for one in entries)
    assert all(findings_in(one.extra) == (EFFUSION,) and not one.remarks for one in entries)
    for one in entries:
        assert one.extra["checked_labels"] == ("No Finding" if "No Finding" in one.facts["labels"] else "none")
        assert json.loads(one.extra["severity"])["cardiothoracic_ratio"] > 0.3
    assert json.loads((tmp_path / "cohort" / "drawing.json").read_text())["couplings"] == "on"
    assert passing_in(tmp_path / "cohort" / "drawing.json") == ("No Finding",)  # so that it is drawn again the same
    record.write_text("{}")
    with pytest.raises(UsageError, match="no record of the checks"):
        passing_in(record)
