"""casebind bench e2e, casebind bench ingest, casebind bench start, casebind bench first-search"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine import settings
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import UsageError


@click.command("e2e")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Rounds; medians are shown.")
@click.option("--bits", type=click.Choice(["64", "128", "256"]), default="256", show_default=True, help="Code length.")
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Neighbours per modality.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def end_to_end(
    *, files: tuple[Path, ...], rounds: int, bits: str, k: int, as_json: bool, workspace: Path | None
) -> None:
    """Time files to ranked lists by stage, against the encoder alone, and what each re-ranking adds.

    Without files, the first study of each modality of the shipped cohort. The workspace's tables are copied first, so
    that it gains no queries and no audit.
    """
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise UsageError(f"There is no file {missing[0]}: check the path.")
    with workspace_from_option(workspace) as place:
        from engine.bench.end_to_end import as_table, examples, files_as_sources, run
        from engine.workspace.serving import serving_release

        sources = files_as_sources(files) if files else examples(settings.DEMO)
        found = run(place, serving_release(place, load_release()), sources, rounds=rounds, bits=int(bits), k=k)
    click.echo(json.dumps(found) if as_json else as_table(found))


@click.command("ingest")
@click.argument("path", type=click.Path(path_type=Path), required=False, metavar="[MANIFEST]")
@click.option("--n", type=click.IntRange(min=1), default=96, show_default=True, help="Studies, from all over the list.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds; medians are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ingest(path: Path | None, n: int, rounds: int, as_json: bool) -> None:
    """Time taking studies in, by stage, against the encoder alone; MANIFEST is data/demo's unless named.

    Every round fills a workspace of its own, which is thrown away.
    """
    from engine.bench.ingest_rate import as_lines, entries_at, run, spread

    entries = spread(entries_at(path or settings.DEMO), n)
    found = run(load_release(), entries, rounds)
    click.echo(json.dumps(found) if as_json else as_lines(found))


@click.command("start")
@click.option("--n", type=click.IntRange(min=20_000), default=1_000_000, show_default=True, help="Codes of 256 bits.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def start(n: int, as_json: bool) -> None:
    """Time opening a large workspace to its first answer, its memory, and how soon what is deleted is gone."""
    import tempfile

    from engine.bench.search.start import as_lines, run

    with tempfile.TemporaryDirectory() as folder:
        found = run(n, Path(folder))
    click.echo(json.dumps(found) if as_json else as_lines(found))


@click.command("first-search")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Rounds; medians are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def first_search(rounds: int, as_json: bool, workspace: Path | None) -> None:
    """Time `casebind search FILE` from a cold start, by exported encoders and by PyTorch.

    What is not exported yet is exported first, as `casebind releases onnx` does.
    """
    from engine.bench.first_search import as_table, run
    from engine.edge.whole_encoders import export_whole
    from engine.workspace.serving import serving_release

    with workspace_from_option(workspace) as place:
        export_whole(serving_release(place, load_release()))
        folder = place.path
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    found = run(folder, rounds, say)
    click.echo(json.dumps(found) if as_json else as_table(found))
