"""casebind rate QUERY_ID STUDY_ID relevant|partly|irrelevant"""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.shared import open_folder, workspace_option
from engine.errors import UsageError, brief


@click.command("rate")
@click.argument("query_id")
@click.argument("study_id")
@click.argument("mark", metavar="relevant|partly|irrelevant")
@click.option("--who", default="local", help="Whose mark it is.", show_default=True)
@workspace_option
def command(query_id: str, study_id: str, mark: str, who: str, workspace: Path | None) -> None:
    """Mark a neighbour of a query; a later mark of the same person replaces it, and the history is kept."""
    with open_folder(workspace) as place:
        stored = place.query(query_id)
        if stored is None:
            named = brief(query_id)
            raise UsageError(f"There is no query {named} in the workspace: take the query_id that a search printed.")
        rating = place.rate(query_id, study_id, mark, who, release=stored.release)
    click.echo(f"{rating.study_id} is marked {rating.mark} for {rating.query_id} by {rating.who}.")
