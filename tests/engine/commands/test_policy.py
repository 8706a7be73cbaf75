"""`casebind policy`: what is wrong with policies is said by their names; an agreement holds from the next answer on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from helpers.studies import COHORT, fill

from engine.access.policies import policy_files
from engine.cli import casebind
from engine.consent import acts
from engine.errors import UsageError
from engine.store.classes import Attributes, counted, read_classes
from engine.store.rule import ACTS
from engine.workspace.workspace import open_workspace


def run(*words: str):
    return CliRunner().invoke(casebind, ["policy", *words])


def test_policies_are_checked_by_name(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    with open_workspace(workspace, create=True) as place:
        fill(place)
    done = run("check", "--json", "--workspace", str(workspace))
    assert done.exit_code == 0 and json.loads(done.stdout) == {
        "valid": True,
        "classes": 1,
        "errors": [],
        "unnamed_acts": [],
    }
    file = tmp_path / "site.cedar"
    file.write_text(run("show").stdout.replace("resource.sensitive", "resource.sensitiv"), encoding="utf-8")
    done = run("check", str(file), "--json", "--workspace", str(workspace))
    assert done.exit_code == 2 and not json.loads(done.stdout)["valid"]
    assert "sensitive studies are the privacy officer's" in done.stdout and "sensitiv" in done.stdout
    file.write_text("permit (principal", encoding="utf-8")
    done = run("check", str(file), "--workspace", str(workspace))
    assert done.exit_code == 2 and "cannot be read" in done.stdout
    (workspace / policy_files.FOLDER).mkdir()
    file.rename(workspace / policy_files.FOLDER / "site.cedar")
    assert run("check", "--workspace", str(workspace)).exit_code == 2
    assert isinstance(run("check", str(tmp_path / "none.cedar")).exception, UsageError)


def test_an_agreement_is_made_in_the_shell(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        n = len(fill(place))
    said = run("agree", COHORT.name, "--project", "trial", "--until", "2027-12-31", "--workspace", str(tmp_path))
    assert said.exit_code == 0 and f"{n} studies of {COHORT.name}" in said.stdout
    assert isinstance(run("agree", "nothing", "--workspace", str(tmp_path)).exception, UsageError)
    with open_workspace(tmp_path) as place:
        (class_id,) = counted(place.database)
        assert read_classes(place.database)[class_id] == Attributes("", "trial", "2027-12-31")


def test_an_agreement_that_is_made_beside_the_running_app_counts_in_its_next_answer(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        n = len(fill(place))
        served = acts.serve(tmp_path)
        try:
            words = ("policy", "agree", COHORT.name, "--sensitive", "--workspace", str(tmp_path))
            said = subprocess.run(
                [sys.executable, "-m", "engine.cli", *words], capture_output=True, text=True, timeout=100
            )
        finally:
            served.close()
        assert said.returncode == 0 and f"{n} studies of {COHORT.name}" in said.stdout, said.stderr
        (class_id,) = counted(place.database)
        assert read_classes(place.database)[class_id].sensitive


def test_classes_are_counted_by_the_app_that_holds_the_workspace(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        served = acts.serve(tmp_path)
        try:
            words = ("policy", "check", "--json", "--workspace", str(tmp_path))
            said = subprocess.run(
                [sys.executable, "-m", "engine.cli", *words], capture_output=True, text=True, timeout=100
            )
        finally:
            served.close()
    assert json.loads(said.stdout) == {"valid": True, "classes": 1, "errors": [], "unnamed_acts": []}, said.stderr
    assert "Classes of studies are not counted" in run("check", "--workspace", str(tmp_path / "none")).stdout


def test_acts_that_no_policy_permits_are_named(tmp_path: Path) -> None:
    """As in a site's own policies, written before an act came."""
    workspace, file = tmp_path / "ws", tmp_path / "site.cedar"
    with open_workspace(workspace, create=True) as place:
        fill(place)
    start = run("show").stdout
    file.write_text(start.replace('== Casebind::Action::"fetch"', '== Casebind::Action::"rate"'), encoding="utf-8")
    done = run("check", str(file), "--workspace", str(workspace))
    assert done.exit_code == 0 and "No policy permits fetch, so nobody" in done.stdout
    assert json.loads(run("check", str(file), "--json", "--workspace", str(workspace)).stdout)["unnamed_acts"] == [
        "fetch"
    ]
    file.write_text("permit (principal, action, resource);", encoding="utf-8")
    assert "No policy permits" not in run("check", str(file), "--workspace", str(workspace)).stdout
    forbids = 'forbid (principal, action == Casebind::Action::"search", resource);'
    assert policy_files.parsed(forbids).unnamed == ACTS
