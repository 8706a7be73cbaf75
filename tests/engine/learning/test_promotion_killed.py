"""A takeover that is killed leaves one whole set of codes, and the next one goes on where it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from helpers.promotions import PATIENCE_S, QUERY, codes, rolled_back, shown
from helpers.rounds import written
from helpers.shipped import SHIPPED

from engine.actor import Actor, single_user
from engine.learning import promotion
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search_stored
from engine.settings import ROOT
from engine.workspace.workspace import open_workspace

KILLED = """
import sys
from pathlib import Path
from engine.actor import Actor
from engine.workspace import reindex as module
from engine.workspace.workspace import open_workspace
from engine.learning import promotion
from engine.model.release import load_release
module.REUSED_BATCH = 4
shown = promotion.PromotionJob.update
def update(self, n):
    shown(self, n)
    print(n, flush=True)
promotion.PromotionJob.update = update
with open_workspace(sys.argv[1]) as place:
    seen = place.releases.serving()[1]
    if sys.argv[2] == "back":
        job = promotion.roll_back(place, Actor("Ada"), seen)
    else:
        job = promotion.promote(place, load_release(Path(sys.argv[2])), Actor("Ada"), seen)
    job.wait()
    print("done", job.error, flush=True)
"""


def killed(folder: Path, what: str, after: int) -> None:
    """Begin a takeover in another process and kill it after so many batches."""
    command = [sys.executable, "-c", KILLED, str(folder), what]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for said, _ in enumerate(process.stdout or (), start=1):
            if said == after:
                break
        process.kill()


def test_killed_half_way_it_answers_with_one_set_and_goes_on(workspace_folder: Path, release: Release):
    made = written(workspace_folder, release)
    with open_workspace(workspace_folder) as place:
        first, total = codes(place), len(place.all_rows())
    killed(workspace_folder, str(made.path), 5)
    with open_workspace(workspace_folder) as place:
        assert (
            codes(place) == first
            and search_stored(place, release, QUERY, Options(k=3), actor=single_user()).release == SHIPPED
        )
        assert 0 < len(place.releases.unstaged_studies(made.digest)) < total
        (row,) = promotion.history(place)
        assert row.state == "failed" and "cut off" in row.why
        assert promotion.interrupted(place) == row
        job = promotion.resume(place, Actor("Bo"), shown(place))
        assert job.wait(PATIENCE_S) and job.error == ""
        assert place.releases.serving() == (f"{SHIPPED}.1", made.digest) and place.without_codes(f"{SHIPPED}.1") == []
        assert [(one.who, one.state) for one in promotion.history(place)] == [("Ada", "failed"), ("Bo", "done")]
        assert promotion.interrupted(place) is None
    for after in (1, 2):  # the way back is one batch; killed then, or while it switches
        killed(workspace_folder, "back", after)
        with open_workspace(workspace_folder) as place:
            serving_now = place.releases.serving()
            assert serving_now is not None and place.without_codes(serving_now[0]) == []
            assert (codes(place) == first) == (serving_now[0] == SHIPPED)
    with open_workspace(workspace_folder) as place:
        if place.releases.serving() != (SHIPPED, release.digest):
            rolled_back(place)
        assert (
            codes(place) == first
            and search_stored(place, release, QUERY, Options(k=3), actor=single_user()).release == SHIPPED
        )
