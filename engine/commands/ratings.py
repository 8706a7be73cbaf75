"""casebind ratings export | import | dictionary"""

from __future__ import annotations

from pathlib import Path

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.export import write_export
from engine.commands.shared import count_pairs, workspace_from_option, workspace_option
from engine.errors import UsageError
from engine.strings import notice


@click.group("ratings")
def command() -> None:
    """Take ratings to another site and back, so that several sites can pool them."""


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--embeddings", is_flag=True, help="Both embeddings of every pair, needed to train elsewhere.")
@click.option("--excel", is_flag=True, help="Mark the CSV as UTF-8 for Excel.")
@click.option("--who", default=SINGLE_USER, help="Name for the audit.", show_default=True)
@workspace_option
def export_command(file: Path, embeddings: bool, excel: bool, who: str, workspace: Path | None) -> None:
    """Write every rating that counts to FILE; patients who withdrew from retrieval or training are left out."""
    from engine.report.ratings_csv import export_ratings

    folder = file.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to write to: make it first.")
    with workspace_from_option(workspace) as place:
        made = export_ratings(place, embeddings=embeddings, bom=excel, actor=Actor(who))
    write_export(file, made.data)
    left = f", {made.left_out} left out because consent was withdrawn" if made.left_out else ""
    gone = f", {made.gone} left out because a study or query is no longer there" if made.gone else ""
    click.echo(f"{file} holds {made.n} ratings{left}{gone}. {notice()}.")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--site", "named", default="", help="What to call the site it comes from (default: its workspace's id).")
@click.option("--who", default=SINGLE_USER, help="Name for the audit.", show_default=True)
@workspace_option
def import_command(file: Path, named: str, who: str, workspace: Path | None) -> None:
    """Take in the ratings of FILE, all or none; those that are here already are counted once."""
    from engine.report.ratings_import import import_ratings, summary_lines

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}): check the path.") from error
    with workspace_from_option(workspace) as place:
        done = import_ratings(place, data, site_name=named, actor=Actor(who))
        count_pairs(place)
    for line in summary_lines(done):
        click.echo(line)


@command.command("dictionary")
def dictionary_command() -> None:
    """Print what the columns of an exported file mean, as CSV."""
    from engine.report.ratings_csv import dictionary_csv

    click.echo(dictionary_csv().decode("utf-8"), nl=False)
