"""casebind evaluate release"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.commands.shared import open_recordings


@click.group("evaluate")
def command() -> None:
    """Measure a release on the open recordings."""


@command.command("release")
@click.option("--recordings", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The release.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", help="Choose on valid, report test.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--record", is_flag=True, help="Write the figures into the release's manifest.")
def release_command(recordings: Path | None, folder: Path | None, split: str, as_json: bool, record: bool) -> None:
    """Print neighbours by shared finding, text to study, and PPG to ECG, for floats and codes, beside chance."""
    path = open_recordings(recordings)
    from engine.measure.evaluate import as_table, evaluate
    from engine.release import load_release

    release = load_release(folder)
    rows = evaluate(release, path, split)
    if record:
        manifest = {**release.manifest, "figures": {"split": split, "rows": rows}}
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        (release.path / "manifest.json").write_text(text)
    click.echo(json.dumps({"release": release.name, "split": split, "rows": rows}) if as_json else as_table(rows))
