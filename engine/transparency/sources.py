"""What a report is made from: a release with its evaluations, the one before it, and a workspace's own counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.actor import Actor
from engine.evaluate.recorded import FOLDER, RecordedEvaluation, all_recorded
from engine.learning.round_release import releases_folder
from engine.model.release import Release, load_release, releases
from engine.settings import MODELS
from engine.transparency.figures import ReportFigure, figures
from engine.workspace.workspace import Workspace

MANIFEST = "manifest.json"
WORKSPACE = "workspace"


@dataclass(frozen=True)
class ReportSources:
    """A release, its evaluations, the release before it where that lies here, and counts of a workspace ({} without).

    bases : evaluations of the shipped release that a round's release is based on, where it has none of its own
    """

    release: Release
    evaluations: tuple[RecordedEvaluation, ...]
    bases: tuple[RecordedEvaluation, ...]
    earlier: Release | None
    workspace: dict[str, Any]

    def evaluation(self, name: str) -> RecordedEvaluation | None:
        """Return an evaluation by name, its own before its base's."""
        return next((one for one in (*self.evaluations, *self.bases) if one.name == name), None)


def gather(release: Release, workspace: Workspace | None, *, actor: Actor) -> ReportSources:
    """Read everything that a report is made from."""
    own = tuple(all_recorded(release))
    home = MODELS / release.base
    bases: tuple[RecordedEvaluation, ...] = ()
    if release.base != release.name and (home / MANIFEST).is_file():
        named = {one.name for one in own}
        bases = tuple(one for one in all_recorded(load_release(home)) if one.name not in named)
    counts = {} if workspace is None else counted(workspace, release, actor=actor)
    return ReportSources(release, own, bases, earlier_release(release, workspace), counts)


def earlier_release(release: Release, workspace: Workspace | None) -> Release | None:
    """Return the release before one: that from which its round began, or the shipped one before; None without."""
    about = release.manifest.get("round")
    if about is not None:
        folders = [MODELS, *([] if workspace is None else [releases_folder(workspace.path)])]
        paths = [path for folder in folders for path in releases(folder) if path.name == about.get("from")]
    else:
        known = releases(release.path.parent)
        names = [path.name for path in known]
        paths = known[: names.index(release.path.name)][-1:] if release.path.name in names else []
    return load_release(paths[0]) if paths else None


def counted(workspace: Workspace, release: Release, *, actor: Actor) -> dict[str, Any]:
    """Return what a workspace says of itself, as far as the actor may see it."""
    serving = workspace.releases.serving()
    return {
        "serving": "" if serving is None else serving[0],
        "serves_this": serving == (release.name, release.digest),
        "studies": dict(workspace.counts(actor=actor)),
        "cohorts": [
            {"name": one.name, "licence": one.licence, "synthetic": one.synthetic}
            for one in workspace.cohorts(actor=actor)
        ],
    }


def figures_of(one: RecordedEvaluation) -> list[ReportFigure]:
    """Return every figure of an evaluation, by its place in its file."""
    return list(figures(one.measured, f"{FOLDER}/{one.name}.json", "/measured"))


def manifest_figures(release: Release) -> list[ReportFigure]:
    """Return the figures that a manifest holds."""
    rows: Sequence[Any] = release.manifest.get("figures", {}).get("rows", [])
    return list(figures(rows, MANIFEST, "/figures/rows"))


def file_of(release: Release, source: str) -> Path:
    """Return the file that a figure names."""
    return release.path / source
