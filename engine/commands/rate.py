"""casebind rate QUERY_ID STUDY_ID relevant|partly|irrelevant|skip"""

from __future__ import annotations

from pathlib import Path

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.shared import without_passages, workspace_from_option, workspace_option


@click.command("rate")
@click.argument("query_id")
@click.argument("study_id")
@click.argument("mark", metavar="relevant|partly|irrelevant|skip")
@click.option("--who", default=SINGLE_USER, help="Whose mark it is.", show_default=True)
@click.option("--why", multiple=True, metavar="TAG", help="finding, side, quality or other; may be repeated.")
@click.option("--comment", default="", help="A remark, at most 500 characters.")
@click.option("--as-written", is_flag=True, help="Keep names, dates and numbers in the remark.")
@click.option("--finding", default="", help="The finding that was looked for, e.g. pleural_effusion.")
@workspace_option
def command(
    *,
    query_id: str,
    study_id: str,
    mark: str,
    who: str,
    why: tuple[str, ...],
    comment: str,
    as_written: bool,
    finding: str,
    workspace: Path | None,
) -> None:
    """Mark a neighbour of a query; a later mark of the same person replaces it, and the history is kept."""
    comment = comment if as_written else without_passages(comment)
    with workspace_from_option(workspace) as place:
        stored = place.query(query_id, actor=Actor(who))
        release = stored.release if stored else (place.releases.serving() or ("",))[0]
        rating = place.rate(
            query_id, study_id, mark, actor=Actor(who), release=release, why=why, comment=comment, finding=finding
        )
    click.echo(f"{rating.study_id} is marked {rating.mark} for {rating.query_id} by {rating.who}.")
