"""casebind bench hospital"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from engine.commands.shared import load_release


@click.command("hospital")
@click.option(
    "--objects",
    type=click.IntRange(min=0),
    default=256,
    show_default=True,
    help="Objects that arrive; 0 leaves them out.",
)
@click.option(
    "--stored",
    type=click.IntRange(min=0),
    multiple=True,
    default=(0, 20_000, 60_000),
    show_default=True,
    help="Studies in the store before; repeat.",
)
@click.option("--cases", type=click.IntRange(min=40), default=10_000, show_default=True, help="Studies of the app.")
@click.option("--users", type=click.IntRange(0, 100), default=10, show_default=True, help="Users; 0 leaves them out.")
@click.option("--sent", type=click.IntRange(min=8), default=200, show_default=True, help="Objects of eight senders.")
@click.option("--seconds", type=click.FloatRange(min=1), default=40.0, show_default=True, help="Users alone, s.")
@click.option(
    "--think", type=click.FloatRange(min=0), default=3.0, show_default=True, help="Longest pause of a user, s."
)
@click.option("--text", "looks", is_flag=True, help="Look for text in films as well, by the extra ocr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *,
    objects: int,
    stored: tuple[int, ...],
    cases: int,
    users: int,
    sent: int,
    seconds: float,
    think: float,
    looks: bool,
    as_json: bool,
) -> int:
    """Time objects from the sender into the collection beside the encoder alone, and users beside eight senders.

    Works on workspaces of its own. Status 1 where an object or a search failed, or one was stored twice.
    """
    from engine.bench import arriving, senders

    release = load_release()
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="casebind-hospital-") as folder:
        if objects:
            found["arriving"] = arriving.run(
                Path(folder), release, objects=objects, stored=stored, on_progress=say, looks=looks
            )
        if users:
            asked: dict[str, Any] = {
                "looks": looks,
                "cases": cases,
                "users": users,
                "objects": sent,
                "seconds": seconds,
                "think_s": think,
            }
            found["senders"] = senders.run(Path(folder), release, **asked, on_progress=say)
    lines = arriving.as_lines(found.get("arriving", ())) + (senders.as_lines(found["senders"]) if users else [])
    click.echo(json.dumps(found) if as_json else "\n".join(lines))
    twice = any(one["stored_more_than_once"] for one in found.get("arriving", ()))
    return 1 if twice or (users and not found["senders"]["within"]["none failed"]) else 0
