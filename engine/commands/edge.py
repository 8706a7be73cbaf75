"""casebind edge build | receive"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.shared import load_release, workspace_from_option, workspace_option

MODALITIES = ("ppg", "ecg", "cxr")
PRECISIONS = ("int8", "float32")


@click.group("edge")
def command() -> None:
    """Make what a small device needs to judge, code and search without PyTorch (docs/edge.md)."""


@command.command("build")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The bundle's folder.")
@click.option("--key", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The device's key.")
@click.option("--device", default="device", show_default=True, metavar="NAME", help="What the device is called.")
@click.option(
    "--modality",
    "modalities",
    type=click.Choice(MODALITIES),
    multiple=True,
    help="Default: ppg and ecg; may be repeated.",
)
@click.option("--precision", type=click.Choice(PRECISIONS), default="int8", show_default=True, help="Of weights.")
@click.option("--studies", type=click.IntRange(min=1), default=2000, show_default=True, help="Kept of each modality.")
@click.option("--valid-days", type=click.IntRange(1, 365), default=7, show_default=True, help="Until cards expire.")
@click.option("--who", default=SINGLE_USER, show_default=True, help="Name for the audit.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@workspace_option
def build_command(
    *,
    out: Path,
    key: Path,
    device: str,
    modalities: tuple[str, ...],
    precision: Any,
    studies: int,
    valid_days: int,
    who: str,
    as_json: bool,
    workspace: Path | None,
) -> None:
    """Write a signed bundle: encoders, quality gate, hash layer, and the cases that are returned most often.

    The key is made where FILE is not there; it goes to the device apart from the bundle. Cases are kept only where
    their patients' consent and the policies let --who see them.
    """
    from engine.edge.bundle import UNASKED, BundleOptions, build
    from engine.edge.cache import CachePolicy
    from engine.edge.signed import device_key
    from engine.workspace.serving import serving_release

    options = BundleOptions(device, modalities or UNASKED, precision, CachePolicy(studies, valid_days))
    secret = device_key(key.expanduser(), make=True)

    def say(what: str) -> None:
        click.echo(f"Making {what} …", err=True)

    with workspace_from_option(workspace) as place:
        release = serving_release(place, load_release())
        made = build(place, release, out.expanduser(), secret, options=options, actor=Actor(who), say=say)
    if as_json:
        click.echo(json.dumps(made))
        return
    for modality, found in made["encoders"].items():
        bits = found["bits_changed"]
        checked = f"{bits['median']:g} of 256 bits changed in the median of {found['checked']} kept studies"
        size = (out.expanduser() / f"{modality}.onnx").stat().st_size / 1e6
        click.echo(f"{modality}: {size:.1f} MB, {checked if found['checked'] else 'no kept study to compare with'}")
    kept = ", ".join(f"{n} {kind}" for kind, n in made["studies"].items())
    click.echo(f"{out}: release {made['release']}, {made['precision']}; keeps {kept}, for {valid_days} days.")


@command.command("receive")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--key", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The device's key.")
@click.option("--valid-days", type=click.IntRange(1, 365), default=7, show_default=True, help="Until cards expire.")
@click.option("--who", default=SINGLE_USER, show_default=True, help="Whose sight decides what the device may keep.")
@workspace_option
def receive_command(folder: Path, *, key: Path, valid_days: int, who: str, workspace: Path | None) -> None:
    """Take what `casebind-edge sync FOLDER` left there, each event once, and write what the device is told.

    Queries are asked again by the full encoder and are audited; ratings belong to them. Studies of patients who
    withdrew, or that --who may not see any more, leave the device at its next sync.
    """
    from engine.edge.receive import receive
    from engine.edge.signed import device_key
    from engine.workspace.serving import serving_release

    secret = device_key(key.expanduser())
    with workspace_from_option(workspace) as place:
        release = serving_release(place, load_release())
        done = receive(place, release, folder, secret, actor=Actor(who), valid_days=valid_days)
    for reason in done.left_out:
        click.echo(f"Left out: {reason}", err=True)
    came = ", ".join(f"{n} of {kind}" for kind, n in done.events.items() if n) or "nothing new"
    click.echo(f"Came: {came}. The device is told to drop {done.gone} cases.")
