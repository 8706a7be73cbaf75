"""The query itself in the collection: equal content is named, a copy in another file is marked."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from engine import settings
from engine.actor import single_user
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.signals import resample
from engine.workspace.workspace import Workspace

RESIDENT, FILM = "syn-0003-e1-ecg", "syn-0001-e1-cxr"


def test_equal_content_is_named_and_its_patient_left_out(workspace: Workspace, release: Release) -> None:
    study = read_paths([settings.DEMO / "ecg" / f"{RESIDENT}.hea"])
    answer = search(workspace, release, study, Options(k=40), actor=single_user())
    assert answer.copies == (RESIDENT,)
    assert "syn-0003" not in {one.patient_id for one in answer.neighbours}


def test_a_film_saved_again_is_marked_and_no_other(workspace: Workspace, release: Release, tmp_path: Path) -> None:
    made = io.BytesIO()
    with Image.open(settings.DEMO / "cxr" / f"{FILM}.jpg") as film:
        film.convert("L").resize((700, round(700 * film.height / film.width))).save(made, "JPEG", quality=70)
    (tmp_path / "saved.jpg").write_bytes(made.getvalue())
    study = read_paths([tmp_path / "saved.jpg"])
    answer = search(workspace, release, study, Options(targets=("cxr",), k=4), actor=single_user())
    assert answer.copies == ()
    assert [one.study_id for one in answer.neighbours if one.same_recording] == [FILM]
    assert answer.neighbours[0].same_recording


def test_an_ecg_at_another_rate_is_marked_and_no_other(workspace: Workspace, release: Release, tmp_path: Path) -> None:
    whole = read_paths([settings.DEMO / "ecg" / f"{RESIDENT}.hea"]).trace
    samples = resample(whole.samples.astype(float), whole.fs, 250.0)
    header = ",".join(whole.leads)
    np.savetxt(tmp_path / "e.csv", samples.T, "%.4f", ",", header=header, comments="")
    from engine.intake.upload import Answers

    study = read_paths([tmp_path / "e.csv"], Answers(fs=250.0, units="mV"))
    answer = search(workspace, release, study, Options(targets=("ecg",), k=10), actor=single_user())
    assert [one.study_id for one in answer.neighbours if one.same_recording] == [RESIDENT]


def test_a_stranger_is_no_copy(workspace: Workspace, release: Release, tmp_path: Path) -> None:
    for name in ("syn-0045-e1-ecg.hea", "syn-0045-e1-ecg_1.dat", "syn-0045-e1-ecg_2.dat"):
        if (settings.DEMO / "ecg" / name).is_file():
            shutil.copy(settings.DEMO / "ecg" / name, tmp_path)
    answer = search(workspace, release, read_paths([tmp_path / "syn-0045-e1-ecg.hea"]), Options(), actor=single_user())
    assert answer.neighbours and answer.copies == ()
    assert not any(one.same_recording for one in answer.neighbours)
