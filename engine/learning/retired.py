"""Releases that may not serve again: they learnt from somebody who was to be forgotten.

<workspace>/releases/retired.json   {name: when, ISO}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from engine.errors import UsageError
from engine.files import utc_now, write_whole
from engine.learning.round_release import releases_folder

FILE = "retired.json"


def retire(workspace: Path, names: Iterable[str]) -> None:
    """Let releases never serve again; on disk when this returns."""
    known, now = retired(workspace), utc_now().isoformat(timespec="seconds")
    home = releases_folder(workspace)
    home.mkdir(exist_ok=True)
    write_whole(home / FILE, json.dumps({**dict.fromkeys(names, now), **known}, indent=1))


def retired(workspace: Path) -> dict[str, str]:
    """Return name → since when, of the releases that may not serve."""
    file = releases_folder(workspace) / FILE
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def check_may_serve(workspace: Path, name: str) -> None:
    """Raise UsageError for a release that may not serve, or be learnt from further."""
    since = retired(workspace).get(name)
    if since:
        raise UsageError(
            f"Release {name} learnt from a patient who was unlearnt on {since[:10]}, so it may not serve: "
            "choose another one."
        )
