"""Studies that are encoded together become what each becomes alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from helpers.studies import content

from engine.errors import IntakeError
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.settings import DEMO
from engine.study import Film, Study
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import Outcome, encode_batches

CLOSE = 1e-5  # what an element of an embedding of length 1 moves by where a batch rounds otherwise


def entries() -> list[StudyEntry]:
    """Return films and ECGs of the shipped cohort, a picture that is no film, and a file that cannot be read."""
    films = [DEMO / "cxr" / f"syn-{number:04d}-e1-cxr.jpg" for number in (1, 2, 3)]
    found = [read_paths([path]) for path in (*films, DEMO / "ecg" / "syn-0001-e1-ecg.hea")]
    found.append(Study("cxr", content("cxr", np.random.default_rng(1)), "noise"))
    return [
        *(StudyEntry(number, f"s{number}", "", read=_known(one)) for number, one in enumerate(found)),
        StudyEntry(len(found), "damaged", "", read=_damaged),
    ]


def _known(study: Study) -> Callable[[bytes], Study]:
    return lambda _: study


def _damaged(_: bytes) -> Study:
    raise IntakeError("It cannot be read: export it again.")


def afresh(entry: StudyEntry, release: Release) -> Outcome:
    """Return what an entry becomes alone, its film as an object of which nothing is computed yet."""

    def read(key: bytes) -> Study:
        made = entry.load(key)
        return replace(made, content=replace(made.content)) if isinstance(made.content, Film) else made

    ((found,),) = encode_batches([replace(entry, read=read)], release, b"")
    return found


def test_a_batch_becomes_what_its_studies_become_alone(release: Release) -> None:
    some = entries()
    (together,) = encode_batches(some, release, b"")
    assert [one.accepted for one in together] == [True] * 4 + [False] * 2
    for entry, one in zip(some, together, strict=True):
        alone = afresh(entry, release)
        assert (one.accepted, one.reason) == (alone.accepted, alone.reason)
        assert abs(one.score - alone.score) < CLOSE
        np.testing.assert_allclose(one.embedding, alone.embedding, atol=CLOSE)
        assert (np.unpackbits(one.code) != np.unpackbits(alone.code)).sum() <= 1  # a value that is next to 0
