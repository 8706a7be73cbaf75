"""Which films are learnt from, and that a head reads its own data set's studies alone."""

from __future__ import annotations

import numpy as np
import torch

from engine.training.data.prepared import Example, Prepared
from engine.training.encoders.film_views import CHILDREN, MOST, learnt_from
from engine.training.encoders.finding_heads import FindingHeads


def film(number: int, dataset: str, split: str) -> Example:
    return Example(f"{dataset}-{number}", "cxr", dataset, f"p{number}", split, "", "", "", "", "", "")


def test_children_are_taken_up_to_a_number_and_test_not_at_all() -> None:
    rows = [film(i, name, split) for i in range(200) for name in (CHILDREN[0], "adults") for split in ("train", "test")]
    kept = learnt_from(Prepared(rows, {"x": np.arange(len(rows))}))
    assert {row.split for row in kept.rows} == {"train"}
    counts = {name: sum(row.dataset == name for row in kept.rows) for name in (CHILDREN[0], "adults")}
    assert counts == {CHILDREN[0]: MOST["train"], "adults": 200}
    assert [rows[i] for i in kept.inputs["x"]] == kept.rows


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
