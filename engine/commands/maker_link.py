"""casebind maker-link [ID]"""

from __future__ import annotations

from pathlib import Path

import click

from engine.actor import single_user
from engine.commands.shared import workspace_from_option, workspace_option
from engine.teaching import access, collections, quizzes
from engine.workspace.workspace import Workspace


@click.command("maker-link")
@click.argument("subject_id", metavar="ID", required=False)
@click.option("--url", default="http://localhost:8501", show_default=True, help="Where the app is served.")
@workspace_option
def command(*, subject_id: str | None, url: str, workspace: Path | None) -> None:
    """Print a new maker's link of a quiz or collection, which opens its answers, results and settings in a browser.

    Without ID, list quizzes and collections. For whoever lost the link, and for quizzes of earlier versions.
    """
    with workspace_from_option(workspace) as place:
        if subject_id is None:
            _list(place)
            return
        is_quiz = subject_id.startswith("z-")
        load = quizzes.load if is_quiz else collections.load
        load(place, subject_id, actor=single_user())
        key = access.new_key(place, subject_id, actor=single_user())
        page = f"quiz?quiz={subject_id}" if is_quiz else f"collections?collection={subject_id}"
        click.echo(f"{url.rstrip('/')}/{page}&key={key}")


def _list(place: Workspace) -> None:
    found = [(quiz.quiz_id, quiz.title) for quiz in quizzes.listed(place, actor=single_user())]
    found += [(one.collection_id, one.title) for one in collections.listed(place, actor=single_user())]
    for subject_id, title in found:
        click.echo(f"{subject_id}  {title}")
    if not found:
        click.echo("This workspace holds no quiz or collection yet.", err=True)
