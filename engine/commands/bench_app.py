"""casebind bench app"""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext
from pathlib import Path

import click

from engine.commands.shared import load_release


@click.command("app")
@click.option("--cases", type=click.IntRange(min=40), default=10_000, show_default=True, help="Studies.")
@click.option("--users", type=click.IntRange(1, 100), default=10, show_default=True, help="Users at once.")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long they go on.")
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True, help="Times each change is made.")
@click.option(
    "--think", type=click.FloatRange(min=0), default=3.0, show_default=True, help="Longest pause of a user, s."
)
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep the workspace there, to use again.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON there as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *,
    cases: int,
    users: int,
    seconds: float,
    rounds: int,
    think: float,
    keep: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Time page switches, search reruns and several users at once, in a real browser, on a large workspace.

    Works on a synthetic workspace of its own. Status 1 where a page showed an error.
    """
    from engine.bench.app.bench import as_lines, run

    release = load_release()
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    with nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory(prefix="casebind-app-") as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        found = run(
            Path(folder),
            release,
            cases=cases,
            users=users,
            seconds=seconds,
            rounds=rounds,
            think_s=think,
            on_progress=say,
        )
    if out is not None:
        out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else as_lines(found))
    return 0 if found["within"]["no errors"] else 1
