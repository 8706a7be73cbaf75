"""Promoting and rolling back a release in a workspace, and digests of what it holds."""

from __future__ import annotations

import hashlib

from engine.actor import Actor
from engine.learning import promotion
from engine.model.release import Release
from engine.workspace.workspace import Workspace

QUERY = "syn-0003-e1-ecg"
PATIENCE_S = 200.0


def codes(place: Workspace) -> str:
    """One digest over every study's id and code, of whatever release serves."""
    rows = place.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY study_id")
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def shown(place: Workspace) -> str:
    found = place.releases.serving()
    assert found is not None
    return found[1]


def promoted(place: Workspace, release: Release, who: str = "Ada", reason: str = "") -> None:
    moving = promotion.promote(place, release, Actor(who), shown(place), reason)
    assert moving.wait(PATIENCE_S) and moving.error == "" and moving.share == 1.0


def rolled_back(place: Workspace, name: str | None = None) -> None:
    moving = promotion.roll_back(place, Actor("Ada"), shown(place), name)
    assert moving.wait(PATIENCE_S) and moving.error == ""
