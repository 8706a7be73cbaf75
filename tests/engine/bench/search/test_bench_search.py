"""`casebind bench search` prints the contract's figures; ours and the scan are exact on every kind of codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.many_studies import crowd

from engine.bench.search import draws
from engine.bench.search.bench import recall
from engine.cli import run
from engine.errors import UsageError
from engine.index.code_columns import Columns
from engine.workspace.workspace import open_workspace

NEEDED = {"n", "bits", "ours_ms", "faiss_flat_ms", "ratio_vs_faiss_flat", "floor_ms"}


def test_json_and_plot_on_all_three_kinds_of_codes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(0), 200, patients=50)
    words = ["bench", "search", "--n", "2000", "--bits", "64", "--queries", "3", "--json"]
    assert run([*words, "--workspace", str(tmp_path / "ws"), "--out", str(tmp_path / "out")]) == 0
    said, complaint = capsys.readouterr()
    assert complaint == ""
    found = json.loads(said)
    assert set(found) >= NEEDED
    assert (found["n"], found["bits"]) == (2000, 64)
    assert [(one["n"], one["data"]) for one in found["sets"]] == [
        (n, data) for n in (20, 200, 2000) for data in ("uniform", "clustered", "learned")
    ]
    for one in found["sets"]:
        rows = {row["engine"]: row for row in one["engines"]}
        exact = [rows[name]["recall"] for name in ("ours", "scan", "faiss flat", "DuckDB SQL")]
        assert exact == [1.0] * 4
        assert rows["faiss IVF"]["recall"] <= 1.0
    assert json.loads((tmp_path / "out" / "search.json").read_text()) == found
    assert (tmp_path / "out" / "search.png").read_bytes()[:4] == b"\x89PNG"


def test_the_table_says_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch) -> None:
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path / "nowhere"))
    assert run(["bench", "search", "--n", "100", "--bits", "128", "--queries", "1", "--peer", "none"]) == 0
    said = capsys.readouterr().out
    assert "100 clustered codes of 128 bits" in said
    assert "The learned codes are left out: There is no workspace" in said
    assert run(["bench", "search", "--n", "10", "--workspace", str(tmp_path / "nowhere")]) == 2


def test_without_faiss_one_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['faiss'] = None; from engine.cli import main; main(['bench', 'search'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "faiss-cpu" in done.stderr


def test_flips_are_as_frequent_as_asked() -> None:
    rng = np.random.default_rng(1)
    for share in (0.0, 0.04, 0.3, 0.5, 0.9):
        assert np.bitwise_count(draws.flips(rng, (4, 20_000), share)).mean() / 64 == pytest.approx(share, abs=0.004)


def test_enlarged_codes_are_as_far_from_their_own_as_a_patients_are() -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(0, 2**64, (4, 60), dtype=np.uint64)
    second = first ^ draws.flips(rng, first.shape, 0.1)
    held = [Columns(np.concatenate([first, second], axis=1), np.arange(120), np.tile(np.arange(60), 2))]
    apart = draws.within_patients(held)
    assert apart.size == 60 and abs(np.median(apart) - 26) < 5
    drawn = draws.enlarged(rng, held, 3000, 4)
    nearest = [np.bitwise_count(held[0].words ^ drawn.codes[:, [i]]).sum(axis=0).min() for i in range(0, 3000, 100)]
    assert abs(np.median(nearest) - 26) < 10
    assert (drawn.codes.shape, drawn.queries.shape) == ((4, 3000), (4, 4))


def test_pairs_across_modalities_count_where_patients_have_one_of_each() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2**64, (4, 30), dtype=np.uint64)
    one_each = [Columns(codes, np.arange(30), np.arange(30)), Columns(codes, np.arange(30), np.arange(30))]
    assert draws.within_patients(one_each).tolist() == [0] * 30
    with pytest.raises(UsageError, match="two codes"):
        draws.within_patients(one_each[:1])


def test_recall_counts_what_is_as_near() -> None:
    exact = [np.array([1, 2, 2])]
    assert recall([np.array([1, 2, 2])], exact, 3) == 1.0
    assert recall([np.array([2, 2, 5])], exact, 3) == pytest.approx(2 / 3)
    assert recall([np.array([], dtype=np.int64)], exact, 3) == 0.0
