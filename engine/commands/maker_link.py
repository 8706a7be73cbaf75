"""casebind maker-link [ID]"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from engine.actor import single_user
from engine.commands.shared import workspace_from_option, workspace_option
from engine.reader_study import design
from engine.teaching import access, collections, quizzes
from engine.workspace.workspace import Workspace

KINDS: dict[str, tuple[Callable[..., object], str]] = {  # how an id begins → what reads it, and its page
    "z-": (quizzes.load, "quiz?quiz"),
    "c-": (collections.load, "collections?collection"),
    "t-": (design.load, "reader_study?study"),
}


@click.command("maker-link")
@click.argument("subject_id", metavar="ID", required=False)
@click.option("--url", default="http://localhost:8501", show_default=True, help="Where the app is served.")
@workspace_option
def command(*, subject_id: str | None, url: str, workspace: Path | None) -> None:
    """Print a new maker's link of a quiz, collection or reader study, which opens what its maker sees in a browser.

    Without ID, list them. For whoever lost the link, for quizzes of earlier versions, and for what was made by command.
    """
    with workspace_from_option(workspace) as place:
        if subject_id is None:
            _list(place)
            return
        load, page = KINDS.get(subject_id[:2], KINDS["c-"])
        load(place, subject_id, actor=single_user())
        key = access.new_key(place, subject_id, actor=single_user())
        click.echo(f"{url.rstrip('/')}/{page}={subject_id}&key={key}")


def _list(place: Workspace) -> None:
    found = [(quiz.quiz_id, quiz.title) for quiz in quizzes.listed(place, actor=single_user())]
    found += [(one.collection_id, one.title) for one in collections.listed(place, actor=single_user())]
    found += [(one.reader_study_id, one.title) for one in design.listed(place, actor=single_user())]
    for subject_id, title in found:
        click.echo(f"{subject_id}  {title}")
    if not found:
        click.echo("This workspace holds no quiz, collection or reader study yet.", err=True)
