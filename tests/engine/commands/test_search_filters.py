"""Filters on the command line: the sentence that is printed, what holds for every neighbour, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.actor import single_user
from engine.cli import run
from engine.workspace.workspace import open_workspace


def found(words: list[str], folder: Path, capsys: pytest.CaptureFixture) -> dict:
    assert run(["search", "effusion", *words, "--workspace", str(folder), "--k", "50", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_filter_holds_and_is_read_out(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(workspace_folder) as place:
        with place.database.write() as cursor:
            cursor.execute("UPDATE studies SET acquired_at = '2020-02-28' WHERE modality = 'ecg'")
        place.set_consent("syn-0001", False, actor=single_user(), scope="training")
        rows = {row.study_id: row for row in place.all_rows()}
    words = ["--from", "2020", "--until", "2020-02", "--quality", "0.2", "--consent", "training", "--sex", "F"]
    told = found([*words, "--age-min", "30", "--without-patient", "syn-0002"], workspace_folder, capsys)
    assert told["filters"] == (
        "Only aged 30 or more, women, patients other than those left out, acquired from 2020 to 2020-02, of quality "
        "0.2 or better, patients who let the model learn."
    )
    assert told["neighbours"]
    for one in told["neighbours"]:
        row = rows[one["study_id"]]
        assert (row.sex, row.modality) == ("F", "ecg") and row.age >= 30 and row.quality_score >= 0.2
        assert row.patient_id not in ("syn-0001", "syn-0002")
    assert run(["search", "effusion", "--from", "2020", "--workspace", str(workspace_folder)]) == 0
    assert "Only acquired from 2020." in capsys.readouterr().out
    assert found(["--from", "2999"], workspace_folder, capsys)["neighbours"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--age-min", "-1"], "cannot be"),
        (["--age-min", "nan"], "cannot be"),
        (["--age-min", "60", "--age-max", "40"], "exchange"),
        (["--age-max", "old"], "not a valid float"),
        (["--sex", "X"], "'X'"),
        (["--view", "sideways"], "no film view 'sideways'"),
        (["--cohort", "casebind-dem"], "use casebind-demo"),
        (["--label", "nothing at all"], "no label"),
        (["--from", "last year"], "no date"),
        (["--from", "2019-13"], "no date"),
        (["--until", "2019-02-30"], "no date"),
        (["--from", "2020-06", "--until", "2020-05"], "exchange"),
        (["--from", "2021", "--until", "2020-05"], "exchange"),
        (["--quality", "80"], "0 to 1"),
        (["--consent", "sale"], "use retrieval, training"),
        (["--without-patient", "nobody"], "no patient nobody"),
    ],
)
def test_wrong_values_are_one_sentence(
    workspace_folder: Path, capsys: pytest.CaptureFixture, words: list[str], said: str
) -> None:
    assert run(["search", "effusion", *words, "--workspace", str(workspace_folder)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1 and told.err.strip().endswith(".") and said in told.err


def test_a_month_and_its_year_are_no_contradiction(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert found(["--from", "2020-06", "--until", "2020"], workspace_folder, capsys)["filters"]
