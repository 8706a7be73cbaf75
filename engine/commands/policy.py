"""casebind policy check | agree | show"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.errors import UsageError, WorkspaceError


@click.group("policy")
def command() -> None:
    """Check who may see and do what, and say what was agreed on a cohort (docs/policies.md)."""


@command.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def check(*, file: Path | None, as_json: bool, workspace: Path | None) -> None:
    """Say whether policies can be read and name only what there is: of FILE, else those that count in the workspace.

    The app may be running. Exit status 2 where something is wrong.
    """
    from engine.access.policies import policy_files

    folder = workspace or settings.workspace_path()
    loaded = policy_files.parsed(_text(file) if file else policy_files.text_of(folder))
    classes = _classes(folder)
    if as_json:
        about = {"errors": list(loaded.problems), "unnamed_acts": list(loaded.unnamed)}
        click.echo(json.dumps({"valid": not loaded.problems, "classes": classes, **about}))
    else:
        counted = (
            f"They decide on {classes} class{'es' if classes != 1 else ''} of studies."
            if classes is not None
            else "Classes of studies are not counted, as nothing here opens the workspace."
        )
        for problem in loaded.problems:
            click.echo(problem)
        if not loaded.problems:
            click.echo(f"{len(loaded.names)} policies fit the schema. {counted}")
        if loaded.remark:
            click.echo(loaded.remark)
    if loaded.problems:
        raise SystemExit(UsageError.exit_status)


@command.command("show")
def show() -> None:
    """Print the start set, to be copied into the folder policies/ of a workspace."""
    from engine.access.policies import policy_files

    click.echo(policy_files.start_text(), nl=False)


@command.command("agree")
@click.argument("cohort")
@click.option("--department", default="", help="Whose studies they are.")
@click.option("--project", default="", help="The project that the agreement names.")
@click.option("--until", "ends", default="", metavar="DAY", help="Its last day, such as 2027-12-31.")
@click.option("--sensitive", is_flag=True, help="Seen by the privacy officer, and in an emergency.")
@workspace_option
def agree(*, cohort: str, department: str, project: str, ends: str, sensitive: bool, workspace: Path | None) -> None:
    """Say what was agreed on a COHORT, in place of what was agreed before; columns of its manifest go before it.

    The app may be running.
    """
    from engine.consent.acts import carry_out
    from engine.store.classes import Attributes

    facts = {"cohort": cohort, "attributes": asdict(Attributes(department, project, ends, sensitive))}
    done = carry_out(workspace or settings.workspace_path(), "agree", facts, single_user().name)
    click.echo(f"It holds for {done['studies']} studies of {cohort} from the next answer on.")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{file} cannot be read ({problem}); name a file of policies.") from None


def _classes(folder: Path) -> int | None:
    """Return how many classes of studies a workspace has, as the running app says where that holds it.

    None where there is no workspace, or where what holds it answers no requests.
    """
    from engine.consent.acts import carry_out

    try:
        return int(carry_out(folder, "classes", {}, single_user().name)["classes"])
    except WorkspaceError:
        return None
