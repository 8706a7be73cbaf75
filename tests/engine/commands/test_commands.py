"""The commands as a user types them: results on standard output, one sentence on standard error, exit 0, 2 or 3."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import settings
from engine.actor import Actor
from engine.cli import run
from engine.intake.burned_in import is_available
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.strings import notice
from engine.study import Note
from engine.workspace.manifest import read_manifest
from engine.workspace.workspace import open_workspace

ECG = settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"


def casebind(*words: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "engine.cli", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=200, env={**os.environ, **(environment or {})}, check=False
    )


def one_sentence(text: str) -> bool:
    """Say whether standard error is a single line that ends like a sentence."""
    lines = text.strip().splitlines()
    return len(lines) == 1 and lines[0].endswith(".") and "Traceback" not in text


def write_ecg(file: Path, samples: np.ndarray, header: str = "II") -> Path:
    np.savetxt(file, samples, delimiter=",", header=header, comments="", fmt="%.4f")
    return file


def seconds_of_children() -> float:
    """Return the processor time of all commands that have ended, which other work on the machine does not stretch."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_is_instant_and_lists_the_commands() -> None:
    begun = seconds_of_children()
    said = casebind("--help")
    assert said.returncode == 0
    assert all(name in said.stdout for name in ("demo", "search", "ingest", "encode", "explain", "rate", "doctor"))
    assert seconds_of_children() - begun < 3  # of a processor; 0.2 s on a quiet machine, torch alone takes longer


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from engine.cli import run; run(['--help']); run(['search', '--help'])\n"
        "heavy = {'torch', 'pandas', 'scipy', 'numba', 'duckdb', 'sentence_transformers', 'neurokit2', 'streamlit'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=True)
    assert said.stdout.strip().splitlines()[-1] == "[]"


def test_search_prints_one_json_object(workspace_folder: Path) -> None:
    options = ("--into", "ecg,text", "--k", 3, "--bits", 128, "--workspace", workspace_folder)
    said = casebind("search", ECG, *options, "--json")
    assert (said.returncode, said.stderr) == (0, "")
    found = json.loads(said.stdout)
    assert found["query"]["modality"] == "ecg"
    assert found["query"]["quality"]["accepted"] is True
    assert found["query"]["code"]["bits"] == 128
    assert [(one["modality"], one["rank"]) for one in found["neighbours"]] == [
        (modality, rank) for modality in ("ecg", "text") for rank in (1, 2, 3)
    ]


def test_search_rate_and_see_it_again(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["search", "atrial", "fibrillation", "--workspace", str(workspace_folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    query_id, study_id = found["query"]["query_id"], found["neighbours"][0]["study_id"]
    assert run(["rate", query_id, study_id, "partly", "--who", "ann", "--workspace", str(workspace_folder)]) == 0
    with open_workspace(workspace_folder) as place:
        assert [(one.study_id, one.mark, one.who) for one in place.all_ratings(query_id)] == [
            (study_id, "partly", "ann")
        ]
    said = ["--why", "side", "--why", "other", "--comment", "left?", "--finding", "edema", "--who", "bob"]
    assert run(["rate", query_id, study_id, "skip", *said, "--workspace", str(workspace_folder)]) == 0
    assert run(["rate", study_id, study_id, "partly", "--why", "ugly", "--workspace", str(workspace_folder)]) == 2
    with open_workspace(workspace_folder) as place:
        (skip,) = place.ratings(query_id, actor=Actor("bob"), skips=True)
        assert (skip.mark, skip.why, skip.comment, skip.finding) == ("skip", ("side", "other"), "left?", "edema")


def test_who_is_in_a_question_or_a_remark_is_not_stored_unless_it_is_kept(
    workspace_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    where = ["--workspace", str(workspace_folder)]
    assert run(["search", "--text", "pleural effusion, Mr Quill", "--json", *where]) == 0
    answered = capsys.readouterr()
    assert answered.err == "Stored with [name] in the place of what may tell who somebody is.\n"
    found = json.loads(answered.out)
    query_id, study_id = found["query"]["query_id"], found["neighbours"][0]["study_id"]
    for more, comment in (([], "as [name] said"), (["--as-written"], "as Mr Quill said")):
        said = ["rate", query_id, study_id, "partly", "--comment", "as Mr Quill said", "--who", "cy", *more, *where]
        assert run(said) == 0
        with open_workspace(workspace_folder) as place:
            (rating,) = place.ratings(query_id, actor=Actor("cy"))
            stored = place.query(query_id, actor=Actor("local"))
        assert rating.comment == comment
        assert stored is not None and stored.study.content == Note("pleural effusion, [name]")


def test_a_long_recording_is_searched_where_it_is_asked_to(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lead = read_paths([ECG]).trace.samples[1, ::5]  # 100 Hz
    file = write_ecg(tmp_path / "long.csv", np.tile(lead, 8))
    options = ["--fs", "100", "--units", "mV", "--workspace", str(workspace_folder)]
    assert run(["search", str(file), "--start", "42.5", *options]) == 0
    assert "80 s, 42.5 to 52.5 s of it" in capsys.readouterr().out
    assert run(["search", str(file), "--start", "79.5", *options]) == 2
    assert one_sentence(capsys.readouterr().err)
    assert run(["search", "effusion", "--start", "1", "--workspace", str(workspace_folder)]) == 2
    assert one_sentence(capsys.readouterr().err)


def test_the_table_names_what_a_reader_needs(workspace_folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["search", str(ECG), "--sex", "F", "--workspace", str(workspace_folder)]) == 0
    said = capsys.readouterr().out
    for words in ("12 leads", "Only women.", "bits differ", "of random pairs", "Labelled as", "quality", "[SYNTHETIC]"):
        assert words in said
    assert said.endswith(f"{notice()}.\n")


def test_a_refused_recording_exits_with_3(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    flat = write_ecg(tmp_path / "flat.csv", np.zeros((2000, 1)))
    words = ["search", str(flat), "--fs", "200", "--units", "mV", "--workspace", str(workspace_folder)]
    assert run([*words, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["query"]["quality"]["accepted"] is False
    assert found["query"]["quality"]["reasons"]
    assert found["neighbours"] == []
    assert run(words) == 3
    refused = capsys.readouterr()
    assert refused.out == ""
    assert len(refused.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["search"],
        ["serch", "x"],
        ["search", "nowhere.hea"],
        ["search", "folder/film"],
        ["search", "my folder/film.png"],
        ["search", "effusion", "--into", "mri"],
        ["search", "effusion", "--k", "0"],
        ["search", "effusion", "--k", "many"],
        ["search", "effusion", "--bits", "100"],
        ["search", "effusion", "--at", "sharp"],
        ["search", "effusion", "--unknown"],
        ["search", " "],
        ["search", "{tmp}/empty.dcm"],
        ["search", "{tmp}/text.dcm"],
        ["search", "{tmp}/report.pdf"],
        ["search", "{tmp}/question.csv"],
        ["search", "{tmp}"],
        ["rate", "q-1", "syn-0001-e1-ecg", "relevant"],
        ["rate", "{query}", "nothing", "relevant"],
        ["rate", "{query}", "syn-0001-e1-ecg", "great"],
        ["rate", "{query}"],
        ["ingest", "nowhere", "--cohort", "x"],
        ["ingest", "{tmp}", "--cohort", "x"],
        ["ingest", "{tmp}/question.csv", "--cohort", "x"],
        ["ingest", "{tmp}"],
        ["encode", "{tmp}/manifest.csv", "--out", "{tmp}/x.npz"],
        ["encode", "{tmp}/question.csv", "--out", "{tmp}/none/x.npz"],
        ["explain", "nowhere.png", "--out", "{tmp}/x.png"],
        ["explain", "{tmp}/question.csv", "--out", "{tmp}/none/x.png"],
    ],
)
def test_user_errors_are_one_sentence_and_exit_2(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str]
) -> None:
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "text.dcm").write_text("not a film, just words\n" * 20)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n" + b"x" * 500)
    write_ecg(tmp_path / "question.csv", np.sin(np.arange(2000) / 20)[:, None])
    with open_workspace(workspace_folder) as place:
        before = place.database.read("SELECT count(*) FROM queries")
    typed = [word.replace("{tmp}", str(tmp_path)).replace("{query}", "syn-0002-e1-ecg") for word in words]
    takes_workspace = typed[0] in ("search", "rate", "ingest", "explain")

    status = run([*typed, "--workspace", str(workspace_folder)] if takes_workspace else typed)

    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert one_sentence(said.err), said.err
    with open_workspace(workspace_folder) as place:
        assert place.database.read("SELECT count(*) FROM queries") == before


def test_a_question_names_the_option_that_answers_it(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = write_ecg(tmp_path / "question.csv", np.sin(np.arange(2000) / 20)[:, None])
    assert run(["search", str(file), "--workspace", str(workspace_folder)]) == 2
    assert "--fs" in capsys.readouterr().err


def test_missing_and_busy_workspaces_are_one_sentence(workspace_folder: Path, tmp_path: Path) -> None:
    missing = casebind("search", "effusion", "--workspace", tmp_path / "none")
    assert (missing.returncode, one_sentence(missing.stderr)) == (2, True)
    assert "casebind demo" in missing.stderr
    with open_workspace(workspace_folder):
        busy = casebind("search", "effusion", "--workspace", workspace_folder)
    assert (busy.returncode, one_sentence(busy.stderr)) == (2, True)
    assert "in use by another process" in busy.stderr


def test_an_unexpected_error_is_one_sentence_with_the_way_to_more(workspace_folder: Path) -> None:
    """A damaged installation: the commands folder lacks a module that a command needs."""
    script = (
        "import sys; sys.modules['tqdm'] = None\n"
        "from engine.cli import main; main(['encode', sys.argv[1], '--out', sys.argv[2]])"
    )
    words = [sys.executable, "-c", script, str(settings.DEMO / "manifest.csv"), str(workspace_folder / "x.npz")]
    environment = {**os.environ, "CASEBIND_WORKSPACE": str(workspace_folder)}
    said = subprocess.run(words, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert (said.returncode, one_sentence(said.stderr)) == (1, True)
    assert "CASEBIND_DEBUG=1" in said.stderr
    assert "Traceback" in (workspace_folder / "casebind-errors.log").read_text()


def test_without_a_workspace_the_details_go_to_the_users_own_folder(tmp_path: Path) -> None:
    script = "import sys; sys.modules['tqdm'] = None\nfrom engine.cli import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", script, "encode", str(settings.DEMO / "manifest.csv"), "--out", str(tmp_path / "x")]
    environment = {**os.environ, "CASEBIND_WORKSPACE": str(tmp_path / "none"), "XDG_STATE_HOME": str(tmp_path / "own")}
    said = subprocess.run(words, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert (said.returncode, one_sentence(said.stderr)) == (1, True)
    log = tmp_path / "own" / "casebind" / "casebind-errors.log"
    assert "Traceback" in log.read_text()
    assert (log.stat().st_mode & 0o077, log.parent.stat().st_mode & 0o077) == (0, 0)


def test_encode_keeps_the_order_and_marks_what_it_could_not(tmp_path: Path, release: Release) -> None:
    from helpers.workspaces import write_manifest

    manifest = write_manifest(tmp_path, range(41, 44))
    lines = manifest.read_text(encoding="utf-8").splitlines()
    blank = "," * (lines[0].count(",") - 2)
    lines.insert(2, f"nowhere.csv,ecg,lost{blank}")
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert run(["encode", str(manifest), "--out", str(tmp_path / "out.npz")]) == 0

    with np.load(tmp_path / "out.npz") as table:
        assert table["study_id"].tolist() == [entry.study_id for entry in read_manifest(manifest)]
        n = len(lines) - 1
        assert (table["embedding"].shape, table["embedding"].dtype) == ((n, 256), np.float32)
        assert (table["code"].shape, table["code"].dtype) == ((n, 32), np.uint8)
        assert table["accepted"].dtype == bool
        assert not table["accepted"][1]
        refused = ~table["accepted"]
        assert not table["embedding"][refused].any()
        assert not table["code"][refused].any()
        assert np.allclose(np.linalg.norm(table["embedding"][~refused], axis=1), 1, atol=1e-4)
        assert str(table["release_digest"]) == release.digest


def test_doctor_says_what_there_is(workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(workspace_folder) as place:
        ecgs = place.all_counts()["ecg"]
    workspace_folder.chmod(0o750)
    assert run(["doctor", "--workspace", str(workspace_folder)]) == 0
    said = capsys.readouterr().out
    assert f"folder: open to its group (0750) on this machine: chmod 700 {workspace_folder}" in said
    assert "failed" not in said
    assert all(word in said for word in ("release", "workspace", "search kernel", f"{ecgs} ecg"))
    assert f"extra ocr: {'installed, reads a word' if is_available() else 'not installed'}" in said
    assert run(["doctor", "--workspace", str(tmp_path / "none")]) == 2
    assert "failed  workspace" in capsys.readouterr().out


def test_reindex_encodes_what_the_release_has_not(
    workspace_folder: Path, release: Release, capsys: pytest.CaptureFixture
) -> None:
    with open_workspace(workspace_folder) as place:
        before = place.codes(release.name, "text").words.copy()
        films = [row.study_id for row in place.all_rows() if row.modality == "cxr"]
        place.remove(films)  # they take longest and change nothing here
        with place.database.write() as cursor:
            cursor.execute("UPDATE releases SET digest = 'of other weights'")
    assert run(["reindex", "--workspace", str(workspace_folder)]) == 0
    assert "workspace is complete" in capsys.readouterr().out
    with open_workspace(workspace_folder) as place:
        assert place.without_codes(release.name) == []
        same = np.bitwise_count(place.codes(release.name, "text").words ^ before).sum(axis=0)
        assert same.max() <= 2  # of 256 bits; batches of another size may round a component near zero differently
