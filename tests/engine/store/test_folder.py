"""What lies in a workspace is its owner's, whatever the process masks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.store.folder import open_to
from engine.workspace.workspace import open_workspace


def test_a_workspace_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        open_workspace(tmp_path / "of" / "mine", create=True).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "of" / "mine").stat().st_mode) == 0o700
    assert open_to(tmp_path / "of" / "mine") == ""


def test_a_folder_that_others_may_look_into_is_told(tmp_path: Path) -> None:
    for mode, said in ((0o755, "everybody (0755)"), (0o710, "its group (0710)"), (0o701, "everybody (0701)")):
        tmp_path.chmod(mode)
        assert open_to(tmp_path) == said
    tmp_path.chmod(0o700)
