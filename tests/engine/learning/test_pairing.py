"""Which studies are of one visit: by number, else within a day, else within the site's hours; each in one pair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.studies import COHORT, DIGEST, RELEASE, new_study

from engine.actor import single_user
from engine.errors import UsageError
from engine.learning import pairing
from engine.workspace.workspace import Workspace, open_workspace

ACTOR = single_user().acting_for("training")
# study → modality, patient, visit ("" for none: its own id then), when
ROWS = {
    "film-1": ("cxr", "ann", "v1", "2024-05-01T08:00"),
    "ecg-1": ("ecg", "ann", "v1", "2024-05-03T08:00"),  # two days later, but the same number
    "ecg-2": ("ecg", "ann", "v2", "2024-05-01T09:00"),  # near, but another number
    "film-3": ("cxr", "bob", "", "2024-05-01T08:00"),
    "ecg-3": ("ecg", "bob", "", "2024-05-01T20:00"),  # the nearer of two
    "ecg-4": ("ecg", "bob", "v4", "2024-05-02T07:59"),
    "film-5": ("cxr", "cid", "", "2024-05-01T08:00"),
    "ecg-5": ("ecg", "cid", "", "2024-05-03T08:00"),  # 48 hours: the site's window alone
    "film-6": ("cxr", "dan", "", "2024-05-01"),
    "ppg-6": ("ppg", "dan", "", "2024-05-01T23:00"),  # the same day, no time of it known
    "film-7": ("cxr", "eve", "", "2024-05"),
    "ecg-7": ("ecg", "eve", "", "2024-05"),  # no day known
    "text-8": ("text", "fay", "", "2024-05-01T08:00"),
    "ecg-8": ("ecg", "gil", "", "2024-05-01T08:00"),  # another patient
}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    rng = np.random.default_rng(0)
    batch = [
        new_study(i, kind, rng, study_id=name, patient_id=who, encounter_id=visit or name, acquired_at=when)
        for i, (name, (kind, who, visit, when)) in enumerate(ROWS.items())
    ]
    workspace = open_workspace(tmp_path / "place", create=True)
    workspace.add(COHORT, RELEASE, DIGEST, batch)
    return workspace


def found(place: Workspace, **windows: float) -> dict[tuple[str, str], tuple[str, float | None]]:
    said = dict.fromkeys(pairing.kinds(), 0.0) | {tuple(k.split("_")): v for k, v in windows.items()}
    pairs = pairing.find_pairs(place, ACTOR, RELEASE, said)  # type: ignore[arg-type]
    return {(one.first, one.second): (one.rule, one.hours) for one in pairs}


def test_number_comes_first_then_a_day_and_a_study_is_in_one_pair(place: Workspace) -> None:
    assert found(place) == {
        ("film-1", "ecg-1"): ("visit", 48.0),
        ("film-3", "ecg-3"): ("day", 12.0),
        ("film-6", "ppg-6"): ("day", None),
    }


def test_the_site_widens_one_pair_of_modalities(place: Workspace) -> None:
    assert found(place, cxr_ecg=72)["film-5", "ecg-5"] == ("window", 48.0)
    assert ("film-5", "ecg-5") not in found(place, cxr_ppg=72)


def test_who_withdrew_from_training_is_in_no_pair(place: Workspace) -> None:
    place.set_consent("ann", False, actor=single_user(), scope="training")
    assert ("film-1", "ecg-1") not in found(place)


def test_the_table_counts_rules_and_distances(place: Workspace) -> None:
    (place.path / pairing.FILE).write_text("[window_hours]\necg-cxr = 48\n")
    rows = {(row.kinds, row.rule): row for row in pairing.table(pairing.find_pairs(place, ACTOR, RELEASE))}
    assert (rows["cxr-ecg", "visit"].pairs, rows["cxr-ecg", "visit"].hours) == (1, 48.0)
    assert (rows["cxr-ecg", "window"].pairs, rows["cxr-ecg", "window"].longest) == (1, 48.0)
    assert (rows["cxr-ppg", "day"].hours, rows["cxr-ppg", "day"].untimed) == (None, 1)
    assert json.dumps(rows["cxr-ecg", "day"].as_json())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("[window_hours]\ncxr-mri = 3", "no pair of modalities"),
        ("[window_hours]\ncxr-ecg = -1", "no number of hours"),
        ("[window_hours]\ncxr-ecg = true", "no number of hours"),
        ("[hours]\ncxr-ecg = 1", "table"),
        ("window_hours = 3", "table"),
        ("[window_hours", "TOML"),
    ],
)
def test_a_mistake_in_the_windows_is_one_sentence(tmp_path: Path, words: str, said: str) -> None:
    file = tmp_path / "pairing.toml"
    file.write_text(words)
    with pytest.raises(UsageError, match=said):
        pairing.read_windows(file)
