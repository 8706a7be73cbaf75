"""What was damaged in the workspace stands on the page until it was read."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.screens import PATIENCE_S
from helpers.studies import fill
from streamlit.testing.v1 import AppTest

from engine.workspace.workspace import open_workspace


def screen() -> None:
    from pages.shared import notice

    notice.draw_damage()


def said(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [one.value for one in shown.warning]


def test_a_missing_journal_is_said_until_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
    (tmp_path / "casebind.journal").unlink()
    with open_workspace(tmp_path) as place:  # another command was first
        assert place.remark
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(tmp_path))
    shown = AppTest.from_function(screen, default_timeout=PATIENCE_S).run()
    assert len(said(shown)) == 1 and "casebind.journal is not there" in said(shown)[0]
    assert said(shown.button(key="damage-read").click().run()) == []
    assert said(AppTest.from_function(screen, default_timeout=PATIENCE_S).run()) == []
