"""casebind export QUERY_ID --format NAME --out FILE"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import Actor
from engine.commands.question_options import question_options
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import UsageError
from engine.files import write_whole
from engine.report.writers import LAYOUTS, WRITERS, ExportRequest

if TYPE_CHECKING:
    from engine.retrieval.answer import Options
from engine.strings import notice

EXPLAINABLE = ", ".join(writer.name for writer in WRITERS.values() if writer.explainable)


@click.command("export")
@click.argument("query_id")
@click.option("--format", "format_", type=click.Choice(list(WRITERS)), required=True, help="What to make.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@click.option("--case", "cases", multiple=True, metavar="STUDY_ID", help="Only this case; may be repeated.")
@click.option("--overlay", is_flag=True, help=f"Show why the first case is near ({EXPLAINABLE}).")
@click.option("--layout", type=click.Choice(LAYOUTS), default="grid", show_default=True, help="Of the PDF.")
@click.option("--print", "print_", is_flag=True, help="300 dots per inch (png).")
@click.option("--excel", is_flag=True, help="Mark the CSV as UTF-8 for Excel.")
@question_options
@click.option("--who", default="local", help="Name for the audit.", show_default=True)
@workspace_option
def command(
    *,
    query_id: str,
    format_: str,
    out: Path,
    cases: tuple[str, ...],
    overlay: bool,
    layout: str,
    print_: bool,
    excel: bool,
    options: Options,
    who: str,
    workspace: Path | None,
) -> None:
    """Write the nearest cases of an earlier query to a file; cases whose consent was withdrawn are left out."""
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to write to: make it first.")
    with workspace_from_option(workspace) as place:
        from engine.report.export import export
        from engine.retrieval.search import search_stored
        from engine.workspace.filter_check import check_filters
        from engine.workspace.serving import serving_release

        release = load_release()
        check_filters(options.filters, place, actor=Actor(who))
        answer = search_stored(place, release, query_id, options, actor=Actor(who))
        wanted = ExportRequest(format_, cases, overlay, layout, print_, excel)
        made = export(place, serving_release(place, release) if overlay else None, answer, wanted, actor=Actor(who))
    write_export(out, made.data)
    left = f", {made.left_out} left out because consent was withdrawn" if made.left_out else ""
    click.echo(f"{out} holds {len(made.study_ids)} cases near {query_id}{left}. {notice()}.")


def write_export(out: Path, data: bytes) -> None:
    """Write a file whole or not at all; UsageError where that fails."""
    try:
        write_whole(out, data)
    except OSError as error:
        raise UsageError(f"{out} could not be written ({error.strerror}): choose another place.") from error
