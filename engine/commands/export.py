"""casebind export QUERY_ID --format NAME --out FILE, and the same of a collection"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import Actor
from engine.commands.question_options import question_options
from engine.commands.shared import load_release, without_passages, workspace_from_option, workspace_option
from engine.errors import UsageError
from engine.files import write_whole
from engine.report.writers import APPENDICES, WRITERS, ExportRequest
from engine.strings import notice

if TYPE_CHECKING:
    from engine.report.export import Exported
    from engine.retrieval.answer import Options
    from engine.workspace.workspace import Workspace

COLLECTION = "c-"  # begins the id of a collection

EXPLAINABLE = ", ".join(writer.name for writer in WRITERS.values() if writer.explainable)


@click.command("export")
@click.argument("query_id", metavar="QUERY_ID|COLLECTION_ID")
@click.option("--format", "format_", type=click.Choice(list(WRITERS)), required=True, help="What to make.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@click.option("--case", "cases", multiple=True, metavar="STUDY_ID", help="Only this case; may be repeated.")
@click.option("--overlay", is_flag=True, help=f"Show why the first case is near ({EXPLAINABLE}).")
@click.option("--first", multiple=True, metavar="STUDY_ID", help="On the first page (pdf); may be repeated.")
@click.option("--appendix", is_flag=True, help="Query at true size, table of all matches, all pictures, marks (pdf).")
@click.option("--layout", type=click.Choice(APPENDICES), help="Of the appendix: cards, or a page each.")
@click.option("--reader", default="", help="Who read the cases (pdf).")
@click.option("--comment", default="", help="What the reader says of them (pdf); what names somebody is replaced.")
@click.option("--print", "print_", is_flag=True, help="300 dots per inch (png).")
@click.option("--excel", is_flag=True, help="Mark the CSV as UTF-8 for Excel.")
@click.option("--blind", is_flag=True, help="Without labels and notes (a collection as pdf or pptx).")
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
    first: tuple[str, ...],
    appendix: bool,
    layout: str | None,
    reader: str,
    comment: str,
    print_: bool,
    excel: bool,
    blind: bool,
    options: Options,
    who: str,
    workspace: Path | None,
) -> None:
    """Write the nearest cases of an earlier query, or a collection, to a file; whoever withdrew consent is left out."""
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to write to: make it first.")
    with workspace_from_option(workspace) as place:
        if query_id.startswith(COLLECTION):
            from engine.report.export_collection import CollectionExportRequest, export_collection

            asked = CollectionExportRequest(format_, hide_labels=blind, bom=excel)
            made = export_collection(place, query_id, asked, release=load_release().name, actor=Actor(who))
        else:
            request = ExportRequest(
                format_,
                cases,
                overlay,
                first=first,
                appendix=layout or ("grid" if appendix else ""),
                reader=reader,
                comment=without_passages(comment),
                high_resolution=print_,
                bom=excel,
            )
            made = _export_search(place, query_id, options, request, actor=Actor(who))
    write_export(out, made.data)
    left = f", {made.left_out} left out because consent was withdrawn" if made.left_out else ""
    of = "of" if query_id.startswith(COLLECTION) else "near"
    marks = "the marks on " if format_ == "ratings" else ""
    click.echo(f"{out} holds {marks}{len(made.study_ids)} cases {of} {query_id}{left}. {notice()}.")


def _export_search(
    place: Workspace, query_id: str, options: Options, request: ExportRequest, *, actor: Actor
) -> Exported:
    """Return the file of an earlier query, asked again with these options."""
    from engine.report.export import export
    from engine.retrieval.search import search_stored
    from engine.workspace.filter_check import check_filters
    from engine.workspace.serving import serving_release

    release = load_release()
    check_filters(options.filters, place, actor=actor)
    answer = search_stored(place, release, query_id, options, actor=actor)
    return export(place, serving_release(place, release) if request.overlay else None, answer, request, actor=actor)


def write_export(out: Path, data: bytes) -> None:
    """Write a file whole or not at all; UsageError where that fails."""
    try:
        write_whole(out, data)
    except OSError as error:
        raise UsageError(f"{out} could not be written ({error.strerror}): choose another place.") from error
