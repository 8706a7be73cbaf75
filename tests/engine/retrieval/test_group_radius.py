"""The radius of a query's own group: for whom it counts, what it changes, and what it leaves as it was."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from engine import settings
from engine.actor import Actor, single_user
from engine.commands.search import table
from engine.intake.paths import read_paths
from engine.model.release import Release
from engine.retrieval import wording
from engine.retrieval.answer import Answer, Options
from engine.retrieval.group_radius import group_of
from engine.retrieval.radius_counts import count_within
from engine.retrieval.search import search, search_stored
from engine.store import group_radii
from engine.store.group_radii import GroupRadii
from engine.study import Study
from engine.workspace.workspace import Workspace

MAKER = Actor("Ada")
OTHER_GROUP = "under 18"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """An ECG of a patient that the small workspace does not hold, whose age its header says."""
    folder = tmp_path_factory.mktemp("ecg")
    for file in (settings.DEMO / "ecg").glob("syn-0045-e1-ecg*"):
        shutil.copy(file, folder)
    (header,) = folder.glob("*.hea")
    header.write_text(header.read_text("utf-8").rstrip() + "\n# Age: 52\n", "utf-8")
    return read_paths([header])


def asked(workspace: Workspace, release: Release, study: Study, at: str | None, bits: int = 256) -> Answer:
    options = Options(targets=("ecg", "cxr"), k=50, bits=bits, operating_point=at)
    return search(workspace, release, study, options, actor=single_user())


def distances(answer: Answer, modality: str = "ecg") -> list[int]:
    return [one.hamming for one in answer.neighbours if one.modality == modality]


def switched(workspace: Workspace, release: Release, group: str, radius: int) -> GroupRadii:
    """Switch a radius on for ECGs of one age group that ask for ECGs."""
    common = release.radius("ecg", "ecg", 256, "balanced")
    chosen = GroupRadii("ecg", "ecg", "PTB-XL", "age", common, {group: radius, OTHER_GROUP: common})
    group_radii.switch_on(workspace.database, release.digest, chosen, actor=MAKER)
    return chosen


def test_a_query_whose_group_is_known_has_its_radius_and_says_so(
    workspace: Workspace, release: Release, stranger: Study
) -> None:
    group = group_of(stranger, "age")
    assert group == "40 to 64"
    every, before = asked(workspace, release, stranger, None), asked(workspace, release, stranger, "balanced")
    radius = distances(every)[len(distances(before)) + 2]  # lets in at least three that the common one does not
    chosen = switched(workspace, release, group, radius)
    after = asked(workspace, release, stranger, "balanced")
    assert distances(after) == [far for far in distances(every) if far <= radius] != distances(before)
    assert distances(after, "cxr") == distances(before, "cxr")
    (mine,) = after.groups
    assert (mine.target, mine.by, mine.group, mine.radius, mine.common) == ("ecg", "age", group, radius, chosen.common)
    assert after.to_json()["group_radii"][0]["radius"] == radius and before.groups == ()
    (said,) = wording.group_radii(after)
    assert str(radius) in said and str(chosen.common) in said and said in table(after, ("ecg",))
    again = search_stored(
        workspace, release, after.query_id, Options(targets=("ecg",), k=50, operating_point="balanced"), actor=MAKER
    )
    assert distances(again) == distances(after)
    counted = count_within(release, asked(workspace, release, stranger, None), ("ecg",), 50)
    assert counted["balanced"].n == len(distances(after))


def test_other_groups_unknown_ones_other_points_and_shorter_codes_keep_the_common_radius(
    workspace: Workspace, release: Release, stranger: Study
) -> None:
    without_age = replace(stranger, facts={name: value for name, value in stranger.facts.items() if name != "age"})
    asking = [(stranger, "precise", 256), (stranger, "balanced", 128), (without_age, "balanced", 256)]
    before = [distances(asked(workspace, release, *one)) for one in asking]
    switched(workspace, release, group_of(stranger, "age"), 0)
    assert distances(asked(workspace, release, stranger, "balanced")) == []
    answers = [asked(workspace, release, *one) for one in asking]
    assert [distances(one) for one in answers] == before and before[2]
    assert [wording.group_radii(one) for one in answers] == [[], [], []]
    switched(workspace, release, OTHER_GROUP, 0)
    assert distances(asked(workspace, release, stranger, "balanced")) == before[2]


def test_off_is_the_common_radius_again_and_both_are_in_the_audit(
    workspace: Workspace, release: Release, stranger: Study
) -> None:
    before = distances(asked(workspace, release, stranger, "balanced"))
    chosen = switched(workspace, release, group_of(stranger, "age"), 0)
    assert group_radii.in_use(workspace.database, release.digest) == [chosen]
    group_radii.switch_off(workspace.database, release.digest, chosen, actor=MAKER)
    assert distances(asked(workspace, release, stranger, "balanced")) == before
    rows = [one for one in workspace.audit_rows(20) if one.kind == group_radii.KIND]
    assert [one.who for one in rows] == ["Ada", "Ada"]
