"""Which films are learnt from, and that a head reads its own data set's studies alone."""

from __future__ import annotations

import csv
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import torch

from engine.datasets.open_recordings import recordings as open_recordings
from engine.training.data.prepared import Example, Prepared
from engine.training.encoders.film_views import CHILDREN, MOST, learnt_from, load_tokens, spread
from engine.training.encoders.finding_heads import FindingHeads


def film(number: int, dataset: str, split: str, found: str = "") -> Example:
    return Example(f"{dataset}-{number}", "cxr", dataset, f"p{number}", split, found, "", "", "", "", "")


def test_children_are_taken_up_to_a_number_and_test_not_at_all() -> None:
    rows = [film(i, name, split) for i in range(200) for name in (CHILDREN[0], "adults") for split in ("train", "test")]
    kept = learnt_from(Prepared(rows, {"x": np.arange(len(rows))}))
    assert {row.split for row in kept.rows} == {"train"}
    counts = {name: sum(row.dataset == name for row in kept.rows) for name in (CHILDREN[0], "adults")}
    assert counts == {CHILDREN[0]: MOST["train"], "adults": 200}
    assert [rows[i] for i in kept.inputs["x"]] == kept.rows


def test_a_set_that_lists_normal_films_first_is_taken_with_its_findings() -> None:
    finding = ["normal"] * 400 + ["pneumonia"] * 800
    rows = [film(i, CHILDREN[0], split, found) for split in MOST for i, found in enumerate(finding)]
    kept = learnt_from(Prepared(rows, {}))
    for split, most in MOST.items():
        taken = [row.findings for row in kept.rows if row.split == split]
        assert len(taken) == most
        assert abs(taken.count("pneumonia") - 2 * most / 3) <= 1, "as many as in the whole set"


def test_children_of_the_open_recordings_have_pneumonia_among_those_taken(recordings: Path) -> None:
    films = open_recordings(recordings, "train", "cxr")
    for name in CHILDREN:
        listed = [film.labels for film in films if film.dataset == name]
        taken = spread(listed, MOST["train"])
        assert len(taken) == MOST["train"] < len(listed)
        share, whole = (np.mean(["Pneumonia" in labels for labels in some]) for some in (taken, listed))
        assert 0 < whole < 1 and abs(share - whole) < 0.05


def _prepare(cache: Path, rows: list[Example], seed: int) -> None:
    films = np.random.default_rng(seed).integers(0, 256, (len(rows), 224, 224), np.uint8)
    np.savez(cache / "cxr.npz", x=films)
    with (cache / "cxr.csv").open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(field.name for field in fields(Example))
        table.writerows(astuple(row) for row in rows)


def test_tokens_of_other_films_are_made_anew(tmp_path: Path) -> None:
    _prepare(tmp_path, [film(0, "adults", "train"), film(1, "adults", "valid")], 0)
    first = np.array(load_tokens(tmp_path).inputs["tokens"])
    written = (tmp_path / "cxr-tokens.npy").stat().st_mtime_ns
    assert np.array_equal(load_tokens(tmp_path).inputs["tokens"], first)
    assert (tmp_path / "cxr-tokens.npy").stat().st_mtime_ns == written, "known films are not encoded again"
    _prepare(tmp_path, [film(2, "adults", "train"), film(3, "adults", "valid")], 1)
    other = load_tokens(tmp_path).inputs["tokens"]
    assert other.shape == first.shape and not np.allclose(other, first, atol=0.1)


def test_each_data_set_is_read_by_its_own_head() -> None:
    heads = FindingHeads(4, 2, 3)
    x, which = torch.randn(6, 4), torch.tensor([2, 0, 2, 1, 0, 0])
    told = heads(x, which)
    for row, number in enumerate(which.tolist()):
        assert torch.allclose(told[row], heads.each[number](x[row]), atol=1e-6)
    told[3].sum().backward()
    assert heads.each[1].weight.grad.abs().sum() > 0 and not heads.each[0].weight.grad.any()


def test_heads_begin_with_what_is_common_in_their_data_set() -> None:
    heads, shares = FindingHeads(4, 2, 2), torch.tensor([[0.9, 0.0], [0.1, 0.5]])
    x = 5 + 3 * torch.randn(50, 4)
    heads.start_even(x, shares)
    told = torch.sigmoid(heads(x, torch.arange(50) % 2))
    assert torch.allclose(told[0], torch.tensor([0.9, 0.01])) and torch.allclose(told[1], shares[1])
