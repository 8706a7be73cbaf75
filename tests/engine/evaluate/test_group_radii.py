"""Radii by group are offered by the serving release's own figures alone, and end with it."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.promotions import promoted, rolled_back
from helpers.rounds import written

from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError
from engine.evaluate import group_radii
from engine.evaluate.recorded import record
from engine.model.release import Release
from engine.store import group_radii as table
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace

MAKER = Actor("Ada")


def section(by: str, *, offered: bool = True, source: str = "PTB-XL") -> dict[str, Any]:
    trial = {"common": 89, "radii": {"A": 85, "B": 91}, "offered": offered}
    return {"query": "ecg", "target": "ecg", "source": source, "by": by, "radii": trial}


def measured(release: Release, *sections: dict[str, Any]) -> None:
    record(release, "fairness", {"sections": list(sections)}, command="c", split="valid", seconds=1)


@pytest.fixture
def serving(workspace: Workspace, release: Release) -> Release:
    """A round's release that serves, with figures of its own."""
    made = written(workspace.path, release)
    promoted(workspace, made)
    measured(made, section("sex"), section("age"), section("view", offered=False), section("language of report"))
    return serving_release(workspace, release)


def test_what_is_measured_of_who_asks_and_offered_can_be_switched_one_attribute_at_a_time(
    workspace: Workspace, serving: Release
) -> None:
    sex, age = group_radii.offered(workspace, serving)
    assert (sex.radii.by, age.radii.by, sex.on, age.on) == ("sex", "age", False, False)
    group_radii.switch(workspace, serving, sex.radii, on=True, actor=MAKER)
    group_radii.switch(workspace, serving, age.radii, on=True, actor=MAKER)
    assert [one.on for one in group_radii.offered(workspace, serving)] == [False, True]
    group_radii.switch(workspace, serving, age.radii, on=False, actor=MAKER)
    assert table.in_use(workspace.database, serving.digest) == []


def test_what_is_not_offered_or_not_theirs_to_switch_changes_nothing(workspace: Workspace, serving: Release) -> None:
    (_, age) = group_radii.offered(workspace, serving)
    measured(serving, section("age", offered=False))
    with pytest.raises(UsageError, match="do not offer"):
        group_radii.switch(workspace, serving, age.radii, on=True, actor=MAKER)
    measured(serving, section("age"))
    account = Actor("bob", signed_in=True)
    for on in (True, False):
        with pytest.raises(NotPermittedError):
            group_radii.switch(workspace, serving, age.radii, on=on, actor=account)
    assert table.in_use(workspace.database, serving.digest) == []


def test_another_release_begins_without_them_and_so_does_the_way_back(
    workspace: Workspace, release: Release, serving: Release
) -> None:
    group_radii.switch(workspace, serving, group_radii.offered(workspace, serving)[1].radii, on=True, actor=MAKER)
    rolled_back(workspace)
    assert serving_release(workspace, release).digest == release.digest
    assert table.in_use(workspace.database, release.digest) == []
    rolled_back(workspace, serving.name)
    assert [one.on for one in group_radii.offered(workspace, serving)] == [False, False]
