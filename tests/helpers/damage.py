"""Damage at random places of a file."""

from __future__ import annotations

import numpy as np

from engine.errors import IntakeError
from engine.intake import Answers, Upload, read
from engine.study import Study

HEAD = 1500  # bytes near the start, where headers stand


def damaged(data: bytes, rng: np.random.Generator, each: int = 20) -> list[bytes]:
    """Return `each` truncations, half of them near the start, and as many copies with one to eight bytes changed."""
    halves = (each // 2, each - each // 2)
    cuts = [int(c) for c in (*rng.integers(1, len(data), halves[0]), *rng.integers(1, min(len(data), HEAD), halves[1]))]
    copies = [data[:cut] for cut in cuts]
    for i in range(each):
        changed = bytearray(data)
        for at in rng.integers(0, len(data) if i % 2 else min(len(data), HEAD), rng.integers(1, 9)):
            changed[at] = rng.integers(0, 256)
        copies.append(bytes(changed))
    return copies


def outcome(uploads: list[Upload], answers: Answers = Answers(units="mV", fs=100)) -> Study | str:  # noqa: B008 (frozen)
    """Return the study, or the sentence of the IntakeError; any other exception fails the test."""
    try:
        return read(uploads, answers)
    except IntakeError as error:
        return str(error)


def check_sentence(said: str) -> None:
    """Fail unless `said` is one line that ends a sentence and names no library, path or error class."""
    assert said.endswith(".")
    assert "\n" not in said
    assert not any(word in said for word in ("Error", "Traceback", "/tmp", "None", "ecgdatakit"))
