"""The bars of a cohort, a detector that learns from outlines, and own patients found by what was learnt on half."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import UsageError
from engine.study import Film
from engine.synthetic.checks import bars, pointing
from engine.synthetic.checks.coupled import own_patient
from engine.synthetic.checks.evaluate import by_eye
from engine.synthetic.checks.group import Group, make_group

SQUARE = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.25), (0.0, 0.25))


def found(**verdicts: str) -> dict[str, Any]:
    """Return figures of films with these verdicts, effusion and nodule seen by eye, mass not."""
    eye = {"pleural effusion": (18, 20), "nodule": (20, 20), "mass": (9, 20), "No Finding": (17, 20)}
    return {
        "cxr": {"verdicts": verdicts, "fidelity": {}},
        "by_eye": {kind: {"shown": shown, "of": of} for kind, (shown, of) in eye.items()},
    }


def test_a_label_passes_that_readers_and_eyes_see_as_well_as_on_real_films() -> None:
    kept = {"Pleural Effusion": "kept", "Lung Lesion": "kept", "No Finding": "kept", "Edema": "kept"}
    assert bars.passing(found(**kept)) == ("Pleural Effusion",)  # a mass is not seen, nobody looked for oedema
    assert bars.passing(found(**{"Pleural Effusion": "kept, easier than real"})) == ("Pleural Effusion",)
    for verdict in ("dropped", "too few"):
        assert bars.passing(found(**{"Pleural Effusion": verdict})) == ()
    met = {one.what: one.met for one in bars.bars(found())}
    assert met["by eye: nodule"] and not met["by eye: mass"] and not met["by eye: No Finding"]  # 0.9 for that


def test_realism_is_held_against_the_bars_in_the_space_of_the_untouched_trunk() -> None:
    row = {"compared": bars.REAL_TEST, "auc": {"value": 0.88}, "kid": {"value": 0.5}, "recall": 0.41, "precision": 0.7}
    films = {"realism": {"films, NIH adults (release)": [], bars.SPACE: [row]}, "fidelity": {}}
    assert [one.met for one in bars.bars({"cxr": films})] == [True, True, True, False]
    assert bars.two_sample({"cxr": films}) == {"cxr": 0.88}
    assert "NO" in bars.bars_table({"cxr": films})


def test_what_was_seen_by_eye_is_read_beside_the_manifest(tmp_path: Path) -> None:
    assert by_eye(tmp_path) == {}
    (tmp_path / "by_eye.json").write_text(json.dumps({"mass": {"shown": 1, "of": 2}}))
    assert by_eye(tmp_path) == by_eye(tmp_path / "manifest.csv") == {"mass": {"shown": 1, "of": 2}}
    (tmp_path / "by_eye.json").write_text("{")
    with pytest.raises(UsageError, match="no JSON"):
        by_eye(tmp_path)


def test_patches_share_what_an_outline_covers() -> None:
    shares = pointing.patch_shares([SQUARE], (100, 100)).reshape(16, 16)
    assert shares[:4, :4].min() > 0.9 and shares[5:].max() == shares[:, 5:].max() == 0
    wide = pointing.patch_shares([SQUARE], (100, 200)).reshape(16, 16)  # letterboxed: half a film above it is black
    assert wide[4:6, :4].min() > 0.9 and wide[:3].max() == 0


def films_with_spots(n: int) -> pointing.Outlined:
    """Return films of noise, two in three with a bright square in its outline."""
    rng = np.random.default_rng(3)
    made, shares = [], []
    for number in range(n):
        pixels = rng.integers(60, 90, (112, 112)).astype(np.uint8)
        across, down = rng.integers(1, 5, 2) / 6
        box = tuple((across + x, down + y) for x, y in ((0, 0), (0.2, 0), (0.2, 0.2), (0, 0.2)))
        if number % 3:
            pixels[int(down * 112) : int((down + 0.2) * 112), int(across * 112) : int((across + 0.2) * 112)] = 200
        made.append(Film(pixels, 8))
        shares.append({"lung_lesion": pointing.patch_shares([box], (112, 112))} if number % 3 else {})
    return pointing.outlined(made, [f"p{number:02d}" for number in range(n)], shares)


def test_a_detector_points_at_what_is_there_and_not_at_what_is_not() -> None:
    films = films_with_spots(18)
    there = pointing.pointing(films, films)
    moved = {
        name: np.roll(shares.reshape(18, 16, 16), 8, (1, 2)).reshape(18, -1) for name, shares in films.inside.items()
    }
    elsewhere = pointing.pointing(pointing.Outlined(films.tokens, films.patients, moved), films)
    (painted,), (boxes,) = there["painted"], there["boxes"]
    assert painted["n"] == boxes["n"] == 12 and painted["chance"] < 0.15
    assert painted["hit"]["value"] > 0.8 and boxes["hit"]["value"] > 0.9
    assert elsewhere["boxes"][0]["hit"]["value"] < 0.3  # what was learnt elsewhere does not point here


def studies(modality: str, space: str, features: np.ndarray) -> Group:
    rows = [(f"{i}-{modality}", f"p{i:03d}", f"p{i:03d}-e1", "made", "made", ()) for i in range(len(features))]
    return make_group(modality, rows, {space: features})


def test_own_patients_are_found_where_film_and_ecg_share_a_state_and_not_otherwise() -> None:
    rng = np.random.default_rng(0)
    state = rng.normal(size=(200, 6))
    film, ecg = (
        np.c_[state + 0.3 * rng.normal(size=state.shape), rng.normal(size=(200, 20))] @ rng.normal(size=(26, 120))
        for _ in range(2)
    )
    films = studies("cxr", "foundation", film)
    both = own_patient(films, studies("ecg", "release", ecg))
    apart = own_patient(films, studies("ecg", "release", ecg[rng.permutation(200)]))
    for pair in ("cxr→ecg", "ecg→cxr"):
        assert both[pair]["r_at_10"]["low"] > 2 * both[pair]["chance"] and both[pair]["gallery"] == [100, 100]
        assert apart[pair]["r_at_10"]["low"] < apart[pair]["chance"]
    assert own_patient(studies("cxr", "foundation", film[:30]), studies("ecg", "release", ecg[:30])) == {}
