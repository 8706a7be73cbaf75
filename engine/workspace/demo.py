"""The shipped workspace: the synthetic cohort of data/demo, taken in like any other."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError, WorkspaceError
from engine.intake.quality.verdict import gate_digest
from engine.store.database import FILE_NAME
from engine.store.ratings import has_ratings
from engine.store.records import KEEP_IDS, Cohort
from engine.store.verdicts import n_set_aside
from engine.workspace.ingest import Progress, Summary, ingest
from engine.workspace.manifest import MANIFEST_NAME, read_manifest
from engine.workspace.pipeline import load_precomputed
from engine.workspace.reindex import reindex
from engine.workspace.rejudge import rejudge
from engine.workspace.serving import release_to_renew
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

ABANDONED_S = 3600  # a half-built folder this old belongs to no running process
MARKER = "demo.json"  # what a shipped workspace was built from
BUILT = ("casebind", "audit.db", "key", "reports", "studies", MARKER)  # how the names of what a build writes begin
COHORT = Cohort(
    name="casebind-demo",
    licence="CC0 1.0",
    attribution=(
        "Casebind; generators fitted on recordings of the NIH Clinical Center (Wang et al., CVPR 2017), PTB-XL "
        "(Wagner et al., Sci Data 2020), PPG-BP (Liang et al., Sci Data 2018), BIDMC (Pimentel et al., IEEE TBME 2016) "
        "and others named on the cohort's card"
    ),
    synthetic=True,
    label_source="the generator of the synthetic cohort",
    ids=KEEP_IDS,
)


def demo_digest(demo: Path) -> str:
    """Return the sha256 over the demo's manifest and all its study files; UsageError where the demo is not there."""
    try:
        digest = hashlib.sha256((demo / MANIFEST_NAME).read_bytes())
        for file in sorted(demo.glob("*/*")):
            digest.update(file.relative_to(demo).as_posix().encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()
    except OSError as error:
        raise UsageError(f"There is no synthetic cohort at {demo}: get the repository with its data folder.") from error


def built_from(folder: Path) -> dict[str, str]:
    """Return what the workspace at `folder` was built from; empty where it is no shipped workspace."""
    try:
        marker: dict[str, str] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker


def is_up_to_date(folder: Path, demo: Path, digest: str) -> bool:
    """Say whether a workspace needs no building: the user's own, or a shipped one of this cohort, release and gate."""
    if not (folder / FILE_NAME).is_file():
        return False
    built = built_from(folder)
    if not built or not (demo / MANIFEST_NAME).is_file():
        return True
    return _is_of(built, demo, digest) and built.get("gate") == gate_digest()


def _is_of(built: dict[str, str], demo: Path, digest: str) -> bool:
    """Say whether a workspace was built from this manifest and release, by whatever quality gate."""
    return built["demo"] == demo_digest(demo) and built["release_digest"] == digest


def build(folder: Path, demo: Path, release: Release, digest: str, progress: Progress | None = None) -> Summary:
    """Build the workspace beside `folder` and put it there in one step.

    An unused shipped workspace is replaced. One in which somebody did anything is kept: only its synthetic studies and
    its codes are renewed, and where nothing but the quality gate has changed, its studies are judged again.
    Any other folder is left alone: WorkspaceError.
    """
    _sweep(folder)
    if _used(folder):
        with open_workspace(folder) as workspace:
            same = _is_of(built_from(folder), demo, digest)
            _mark(folder, {"demo": "", "release": release.name, "release_digest": ""})  # unsettled until it is whole
            if not same:
                workspace.remove([row.study_id for row in workspace.all_rows() if row.cohort == COHORT.name])
            rejudge(workspace)
            if (own := release_to_renew(workspace, release)) is not release:  # a round's serves, and goes on serving
                return _fill(workspace, demo, own, own.digest, digest, progress=progress)
            reindex(workspace, release, digest)
            return _fill(workspace, demo, release, digest, digest, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        with open_workspace(fresh, create=True) as workspace:
            summary = _fill(workspace, demo, release, digest, digest, progress=progress)
        _exchange(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return summary


def _fill(
    workspace: Workspace, demo: Path, release: Release, digest: str, shipped: str, *, progress: Progress | None
) -> Summary:
    """Take the synthetic cohort in, with the shipped embeddings where they fit; leave the marker last.

    shipped : digest of the newest shipped release, up to which the workspace is then built

    Files are synced once, before the marker: one by one they would take as long as everything else.
    """
    marker = {"demo": demo_digest(demo), "release": release.name, "release_digest": shipped, "gate": gate_digest()}
    known = load_precomputed(demo / f"embeddings-{release.name}.npz", digest)
    workspace.durable = False
    try:
        summary = ingest(workspace, release, digest, COHORT, read_manifest(demo), progress=progress, precomputed=known)
    finally:
        workspace.durable = True
        os.sync()
    _mark(workspace.path, marker)
    summary.set_aside = n_set_aside(workspace.database)
    return summary


def _mark(folder: Path, marker: dict[str, str]) -> None:
    """Write what the workspace is built from, durably."""
    with (folder / MARKER).open("w", encoding="utf-8") as file:
        file.write(json.dumps(marker, indent=1))
        file.flush()
        os.fsync(file.fileno())


def _used(folder: Path) -> bool:
    """Say whether a shipped workspace holds anything that somebody made: every act has a row in the record of acts.

    Older ones had ratings and cohorts before they had rows. Any file that no build writes counts, such as accounts,
    settings of an archive and what waits in the inbox.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not built_from(folder):
        raise WorkspaceError(f"{folder} is no shipped workspace, so it is left alone: pass --workspace with a new one.")
    if any(not one.name.startswith(BUILT) for one in folder.iterdir()):
        return True
    with open_workspace(folder) as workspace:
        if workspace.files.is_encrypting or workspace.database.audit.rows(newest=1):
            return True
        own = [cohort for cohort in workspace.all_cohorts() if cohort.name != COHORT.name]
        return bool(own) or has_ratings(workspace.database)


def _exchange(new_folder: Path, folder: Path) -> None:
    """Put the new folder in place; the old one is moved aside first and deleted last."""
    old = new_folder.with_name(f"{new_folder.name}-old")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(old)
    new_folder.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Delete what a build that was killed left behind."""
    for path in folder.parent.glob(f".{folder.name}-*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)
