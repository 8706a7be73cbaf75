"""casebind bench search | cluster; what else there is to time stands in modules of its own"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands import (
    bench_app,
    bench_audit,
    bench_burned_in,
    bench_encryption,
    bench_energy,
    bench_explain,
    bench_hospital,
    bench_living,
    bench_path,
    bench_policies,
    bench_uploads,
    bench_viewer,
)
from engine.commands.shared import workspace_from_option, workspace_option
from engine.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from engine.index.code_columns import Columns

MAX_CODES_ALL_PEERS = 2_000_000  # codes above which peers that take minutes to build are left out unless named
PEERS = ("multihash", "ivf", "duckdb")


@click.group("bench")
def command() -> None:
    """Time the search, the path of a file, the app; count text found in films; hold living data against an oracle."""


_TIMED = (
    bench_app.command,
    bench_audit.command,
    bench_burned_in.command,
    bench_encryption.command,
    bench_energy.command,
    bench_explain.command,
    bench_hospital.command,
    bench_living.command,
    bench_policies.command,
    bench_uploads.command,
    bench_viewer.command,
)
for _command in (*_TIMED, bench_path.end_to_end, bench_path.ingest, bench_path.start, bench_path.first_search):
    command.add_command(_command)


@command.command("search")
@click.option("--n", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Codes to search.")
@click.option("--bits", type=click.Choice(["64", "128", "256"]), default="256", show_default=True, help="Code length.")
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Neighbours.")
@click.option("--rounds", type=click.IntRange(min=5), default=5, show_default=True, help="Rounds; medians are shown.")
@click.option("--queries", type=click.IntRange(min=1), default=10, show_default=True, help="Queries per round.")
@click.option("--peer", "peers", multiple=True, type=click.Choice([*PEERS, "none"]), help="Beside faiss flat; repeat.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON and a plot against n there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def search_command(
    *,
    n: int,
    bits: str,
    k: int,
    rounds: int,
    queries: int,
    peers: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    workspace: Path | None,
) -> None:
    """Time ours beside faiss, DuckDB and reading memory, on uniform, clustered and the workspace's enlarged codes."""
    from engine.bench.search.bench import SearchBenchPlan, run
    from engine.index.flat import need_faiss

    need_faiss()
    sizes = tuple(dict.fromkeys(max(1, n // share) for share in (100, 10, 1))) if out else (n,)
    chosen = tuple(peer for peer in peers if peer != "none") or (() if peers or n > MAX_CODES_ALL_PEERS else PEERS)
    held, notes = _workspace_codes(workspace)
    if n > MAX_CODES_ALL_PEERS and not peers:
        notes.append(f"Above {MAX_CODES_ALL_PEERS:,} codes only faiss flat is timed; name further ones by --peer.")
    plan = SearchBenchPlan(sizes, int(bits), k, rounds, queries, chosen)
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    found = {**run(plan, held, say), "notes": notes}
    text = json.dumps(found, indent=None if as_json else 1, ensure_ascii=False)
    if out is not None:
        from engine.bench.search.report import draw

        out.mkdir(parents=True, exist_ok=True)
        (out / "search.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(found, out)
    if as_json:
        click.echo(text)
    else:
        from engine.bench.search.report import as_table

        click.echo(as_table(found))


@command.command("cluster")
@click.option("--n", type=click.IntRange(min=100), default=1_000_000, show_default=True, help="Codes to search.")
@click.option("--bits", type=click.Choice(["64", "128", "256"]), default="128", show_default=True, help="Code length.")
@click.option("--k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Neighbours.")
@click.option("--queries", type=click.IntRange(min=1), default=20, show_default=True, help="Queries per filter.")
@click.option("--shards", type=click.IntRange(1, 64), default=2, show_default=True, help="Parts of the codes.")
@click.option("--replicas", type=click.IntRange(1, 2), default=1, show_default=True, help="Nodes that hold a shard.")
@click.option("--limit", "limit_s", type=float, default=2.0, show_default=True, help="Seconds that a shard may take.")
@click.option("--backend", type=click.Choice(["ray", "pgvector"]), default="ray", help="What to time.")
@click.option("--rays-own-pace", is_flag=True, help="Leave Ray's health checks as slow as they are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cluster_command(
    *,
    n: int,
    bits: str,
    k: int,
    queries: int,
    shards: int,
    replicas: int,
    limit_s: float,
    backend: str,
    rays_own_pace: bool,
    as_json: bool,
) -> None:
    """Start two Ray nodes or PostgreSQL servers here, compare with the local search, end one, bring it back."""
    import tempfile

    from engine.bench.cluster.bench import ClusterBenchPlan, as_table, run

    plan = ClusterBenchPlan(n, int(bits), k, queries, shards, replicas, limit_s, not rays_own_pace, backend)
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    with tempfile.TemporaryDirectory() as folder:
        found = run(plan, Path(folder), say)
    click.echo(json.dumps(found) if as_json else as_table(found))


def _workspace_codes(path: Path | None) -> tuple[list[Columns], list[str]]:
    """Return the workspace's codes by modality, of the release that has most, or why they are left out."""
    from engine.store import codes

    try:
        with workspace_from_option(path) as place:
            release = codes.largest_release(place.database)
            if release is None:
                return [], [f"The workspace {place.path} holds no codes: the learned codes are left out."]
            names = codes.modalities(place.database)
            with place.database.snapshot() as cursor:
                return [codes.load_columns(cursor, release, name) for name in names], []
    except WorkspaceError as error:
        if path is not None:
            raise UsageError(str(error)) from error
        return [], [f"The learned codes are left out: {error}"]
