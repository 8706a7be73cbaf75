"""What was damaged in the workspace stands on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.studies import fill
from streamlit.testing.v1 import AppTest

from engine.workspace.workspace import open_workspace


def screen() -> None:
    from pages.shared import notice

    notice.draw_remark()


@pytest.mark.parametrize("missing", [False, True])
def test_a_missing_journal_is_said_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
    if missing:
        (tmp_path / "casebind.journal").unlink()
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path))
    shown = AppTest.from_function(screen, default_timeout=60).run()
    said = [one.value for one in shown.warning]
    assert len(said) == missing and all("casebind.journal is not there" in one for one in said)
    assert not shown.exception
