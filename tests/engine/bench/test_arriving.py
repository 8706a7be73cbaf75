"""Objects are sent, received and stored once, in a store that holds others already; what they cost is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bench.arriving import as_lines, run
from engine.model.release import Release

pytest.importorskip("pynetdicom")


def test_objects_arrive_through_a_real_listener_and_are_stored_once(tmp_path: Path, release: Release) -> None:
    (found,) = run(tmp_path, release, objects=4, stored=(40,), on_progress=lambda line: None, part=4)
    assert found["stored"] == 40 and found["objects"] == 4 and found["stored_more_than_once"] == 0
    assert found["share_of_encoder_only"] > 0 and found["encoder_only_s"] > 0
    assert as_lines([found])[0].startswith("40 studies stored already: 4 objects sent and stored at ")
