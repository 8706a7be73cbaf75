"""casebind encode MANIFEST.csv --out FILE.npz"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from engine.commands.row_lines import listed, remarks_title
from engine.commands.shared import load_release
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.workspace.pipeline import Outcome


@click.command("encode")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The .npz to write.")
def command(manifest: Path, out: Path) -> None:
    """Write study_id, accepted, embedding (n,256), code (n,32) and synthetic of every row, in the manifest's order.

    Rows that cannot be read or that the quality gate refuses have accepted False, zeros, and a reason. An optional cell
    that cannot be read is left out, and named here and under remark.
    """
    from engine.workspace.manifest import read_manifest
    from engine.workspace.pipeline import encode_batches

    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.absolute().parent} to write to: make it first.")
    entries = read_manifest(manifest)
    release = load_release()
    from tqdm import tqdm

    outcomes: list[Outcome] = []
    with tqdm(total=len(entries), desc="encode", unit="study", leave=False) as progress:
        for batch in encode_batches(entries, release, b""):
            outcomes += batch
            progress.update(len(batch))
    write(out, outcomes, release)
    accepted = sum(outcome.accepted for outcome in outcomes)
    click.echo(f"{accepted} of {len(outcomes)} studies encoded with release {release.name} into {out}.")
    from engine.workspace.ingest import remarks_of

    remarks = remarks_of(outcomes)
    if remarks:
        click.echo("\n".join([f"{remarks_title(remarks)} (all under remark in {out}):", *listed(remarks)]))


def write(out: Path, outcomes: Sequence[Outcome], release: Release) -> None:
    """Write the arrays, one entry per row, under a temporary name first."""
    from engine.intake.quality.verdict import gate_digest

    temporary = out.with_name(f".{out.name}.tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            study_id=np.array([one.entry.study_id or f"row-{one.entry.number}" for one in outcomes]),
            accepted=np.array([one.accepted for one in outcomes], dtype=bool),
            embedding=np.stack([one.embedding for one in outcomes]).astype(np.float32),
            code=np.stack([one.code for one in outcomes]).astype(np.uint8),
            reason=np.array([one.reason for one in outcomes]),
            remark=np.array(["; ".join(one.entry.remarks) for one in outcomes]),
            score=np.array([one.score for one in outcomes], dtype=np.float32),
            fingerprint=np.array([one.study.fingerprint if one.study else "" for one in outcomes]),
            synthetic=np.array([bool(one.entry.facts.get("synthetic")) for one in outcomes]),
            release=np.array(release.name),
            release_digest=np.array(release.digest),
            gate_digest=np.array(gate_digest()),
        )
    temporary.replace(out)
