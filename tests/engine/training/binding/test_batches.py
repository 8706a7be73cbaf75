"""What binding draws: balanced findings, hard negatives, pairs of one moment; and how a binding is judged."""

from __future__ import annotations

import numpy as np
import torch

from engine.model.heads import Tower
from engine.training.binding import align
from engine.training.binding.edges import balanced, finding_loss, paired
from engine.training.binding.modality_sides import BindingSide
from engine.training.binding.train import nearest_unrelated
from engine.training.binding.validate import separation
from engine.training.data.captions import many_hot
from engine.training.data.prepared import Example, Prepared
from engine.training.encoders import loop


def row(number: int, modality: str, found: str, pair: str = "", patient: str = "") -> Example:
    name = f"{modality}{number}"
    return Example(name, modality, "set", patient or name, "train", found, pair, "", "", "", "")


def test_a_rare_finding_is_drawn_as_often_as_a_common_one() -> None:
    held = many_hot([["normal"]] * 95 + [["pneumothorax"]] * 5)
    drawn = balanced(held, np.arange(100), 4000, np.random.default_rng(0))
    assert 0.45 < (drawn >= 95).mean() < 0.55


def test_hard_negatives_are_the_nearest_that_share_no_finding() -> None:
    angle = np.array([0.0, 0.1, 0.2, 0.9, 1.5])
    z = np.stack([np.cos(angle), np.sin(angle)], 1)
    held = many_hot([["normal"], ["normal"], ["edema"], ["edema"], ["pneumonia"]])
    assert nearest_unrelated(z, held, k=2).tolist() == [[2, 3], [2, 3], [1, 0], [4, 1], [3, 2]]


def test_windows_of_one_moment_are_paired_within_a_split() -> None:
    a = Prepared([row(0, "ppg", "", "e1#0"), row(1, "ppg", "", "e1#1"), row(2, "ppg", "")], {})
    b = Prepared([row(0, "ecg", "", "e1#1"), row(1, "ecg", "")], {})
    assert paired(a, b, "train").tolist() == [[1, 0]]
    assert len(paired(a, b, "valid")) == 0


def side(modality: str, found: list[str], patients: list[str], features: torch.Tensor) -> BindingSide:
    data = Prepared([row(i, modality, f, patient=p) for i, (f, p) in enumerate(zip(found, patients, strict=True))], {})
    held = many_hot(one.finding_set for one in data.rows)
    return BindingSide(modality, {}, features[None], data, held, np.arange(len(found)), np.array(patients))


def test_contrast_by_finding_pulls_shared_findings_together() -> None:
    torch.manual_seed(0)
    ways = torch.nn.ModuleDict({"cxr": Tower("cxr"), "text": Tower("text")})
    films = side(
        "cxr", ["normal"] * 8 + ["cardiac_enlargement"] * 8, [f"a{i}" for i in range(16)], torch.randn(16, 1920)
    )
    texts = side(
        "text", ["normal"] * 8 + ["cardiac_enlargement"] * 8, [f"b{i}" for i in range(16)], torch.randn(16, 384)
    )
    optim = torch.optim.Adam(ways.parameters(), lr=1e-3)
    losses, draw = [], loop.Rngs.seeded(0)
    for _ in range(30):
        loss = finding_loss(ways, films, texts, 32, draw)
        optim.zero_grad()
        loss.backward()
        optim.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 1
    index = np.arange(16)
    scores = films.embed(ways["cxr"], index) @ texts.embed(ways["text"], index).T
    assert separation(scores, films.has_finding, texts.has_finding) > 0.95


def test_a_patient_is_never_their_own_positive() -> None:
    ways = torch.nn.ModuleDict({"cxr": Tower("cxr")})
    films = side("cxr", ["normal"] * 4, ["same"] * 4, torch.randn(4, 1920))
    assert float(finding_loss(ways, films, films, 8, loop.Rngs.seeded(0)).detach()) == 0.0


def test_separation_is_chance_for_a_search_that_always_returns_what_is_common() -> None:
    query = many_hot([["normal"]] * 90 + [["edema"]] * 10)
    always_normal = np.tile(query[:, list(query.any(0)).index(True)].astype(float), (100, 1))
    assert abs(separation(always_normal, query, query) - 0.5) < 1e-9
    perfect = query.astype(float) @ query.T.astype(float)
    assert separation(perfect, query, query) == 1.0


def test_a_batch_of_moments_holds_several_of_each_recording() -> None:
    encounters = np.repeat(["a", "b", "c"], 4)
    drawn = align.draw_windows(
        encounters, np.arange(12), align.AlignmentPlan(recordings=2, windows_per_recording=2), np.random.default_rng(0)
    )
    names, counts = np.unique(encounters[drawn], return_counts=True)
    assert len(names) == 2 and set(counts) == {2} and len(set(drawn)) == 4
