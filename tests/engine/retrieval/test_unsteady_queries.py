"""An answered query whose code small changes move far is said to be so and audited; the answer itself is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.attacked_films import attacked_films, film
from helpers.once import Once

from engine import settings
from engine.actor import single_user
from engine.cli import run
from engine.errors import UsageError
from engine.intake.paths import read_paths
from engine.intake.upload import Answers
from engine.model.release import Release
from engine.retrieval.answer import Answer, Options
from engine.retrieval.certified import CertifiedAsk, certified_search
from engine.retrieval.search import search
from engine.retrieval.steadiness import ACT, check
from engine.study import Study
from engine.workspace.workspace import Workspace, open_workspace

PULSE, ME = settings.DEMO / "ppg" / "syn-0001-e1-ppg.csv", single_user()


@pytest.fixture(scope="module")
def attacked_file(once: Once, release: Release) -> Path:
    """The film that was changed on purpose."""
    return attacked_films(once, release) / "attacked.png"


def _asked(workspace: Workspace, release: Release, study: Study, options: Options = Options()) -> Answer:  # noqa: B008
    return search(workspace, release, study, options, actor=ME)


def _acts(workspace: Workspace) -> list[str]:
    return [row.kind for row in workspace.audit_rows()]


def test_an_attacked_film_is_said_to_be_unsteady_and_audited_and_a_clean_one_is_not(
    workspace: Workspace, release: Release, attacked_file: Path
) -> None:
    clean = check(workspace, release, _asked(workspace, release, film()), actor=ME)
    assert clean is not None and not clean.unusual and clean.sentence == ""
    assert ACT not in _acts(workspace)
    answer = _asked(workspace, release, read_paths([attacked_file]), Options(bits=64))
    found = check(workspace, release, answer, actor=ME)
    assert found is not None and found.unusual and found.moved > 2 * found.usual
    assert f"{found.moved} of 256 bits; usual: {found.usual}" in found.sentence
    assert _acts(workspace)[0] == ACT
    assert answer.neighbours  # a warning is no refusal


def test_what_is_no_whole_recording_is_not_checked(workspace: Workspace, release: Release) -> None:
    from engine.intake.read import read_text
    from engine.retrieval.search import search_part

    assert check(workspace, release, _asked(workspace, release, read_text("cardiomegaly")), actor=ME) is None
    whole = _asked(workspace, release, film())
    part = search_part(workspace, release, whole.query_id, Options(), actor=ME, box=(0.2, 0.2, 0.8, 0.8))
    assert check(workspace, release, part, actor=ME) is None


def test_the_command_says_it_behind_the_answer(
    workspace_folder: Path, attacked_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["search", str(attacked_file), "--workspace", str(workspace_folder), "--into", "cxr", "--k", "3"]
    assert run(words) == 0
    assert "Small changes move this query’s code unusually far" in capsys.readouterr().out.splitlines()[-1]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steadiness"]["unusual"] is True
    with open_workspace(workspace_folder) as place:
        assert _acts(place).count(ACT) == 2


def test_certified_neighbours_are_of_the_answer_and_fewer_for_longer_changes(
    workspace: Workspace, release: Release
) -> None:
    study, certain = read_paths([PULSE], Answers(fs=125.0)), []
    for length in (0.01, 0.1, 1.0):
        answer, found = certified_search(
            workspace, release, study, Options(targets=("ppg",), k=3), CertifiedAsk(length, 100), actor=ME
        )
        assert found is not None and found.certain <= {one.study_id for one in answer.neighbours}
        assert found.each == pytest.approx(length / 1250**0.5, rel=1e-3)
        certain.append((len(found.certain), found.bits))
    assert certain[0][0] > 0 and certain[2] == (0, 256)
    assert certain[0][0] >= certain[1][0] and certain[0][1] <= certain[1][1] < 256
    with pytest.raises(UsageError, match="leave --certify or"):
        certified_search(workspace, release, study, Options(rerank="embedding"), CertifiedAsk(), actor=ME)


def test_the_command_says_what_a_certificate_costs_and_marks_what_is_certain(
    workspace_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["search", str(PULSE), "--fs", "125", "--workspace", str(workspace_folder), "--k", "5"]
    certify = ["--certify", "--within", "0.01", "--draws", "100"]
    assert run([*words, *certify]) == 0
    out = capsys.readouterr()
    assert "100 copies are encoded: about" in out.err
    assert "[certain]" in out.out and "displaces those marked “certain”" in out.out
    assert run([*words, *certify, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["certificate"]["certain"]) <= {one["study_id"] for one in printed["neighbours"]}
    assert run([*words, "--within", "0.1"]) == 2
    assert "add --certify" in capsys.readouterr().err
