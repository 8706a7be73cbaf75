"""What a study holds is named by its kind, and asking for another kind says what it holds."""

from __future__ import annotations

import numpy as np
import pytest

from engine.study import Film, Note, Study, Trace

TRACE = Trace(np.arange(1000, dtype=np.float32)[None], ("II",), 100.0, "mV")
STUDIES = {
    "trace": Study("ecg", TRACE, "ECG", window_s=(2.0, 4.0)),
    "film": Study("cxr", Film(np.zeros((4, 4), np.uint8), 8), "film"),
    "note": Study("text", Note("clear lungs"), "report"),
}


@pytest.mark.parametrize("held", STUDIES)
@pytest.mark.parametrize("asked", STUDIES)
def test_a_study_gives_its_content_by_its_kind_alone(held: str, asked: str) -> None:
    study = STUDIES[held]
    if held == asked:
        assert getattr(study, asked) is study.content
        return
    with pytest.raises(TypeError, match=f"holds a {held.title()}, not a {asked.title()}"):
        getattr(study, asked)


def test_what_is_searched_of_a_trace_is_its_window() -> None:
    study = STUDIES["trace"]
    assert study.searched_trace.samples[0, [0, -1]].tolist() == [200, 399]
    assert isinstance(study.searched, Trace) and study.searched.duration_s == 2
    assert STUDIES["film"].searched is STUDIES["film"].content
    with pytest.raises(TypeError):
        _ = STUDIES["note"].searched_trace
