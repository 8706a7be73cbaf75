"""casebind bench audit"""

from __future__ import annotations

import json

import click


@click.command("audit")
@click.option("--rows", type=click.IntRange(min=100), default=20_000, show_default=True, help="Rows to verify.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, rows: int, as_json: bool) -> None:
    """Time a row of the audit, on disk when it is acknowledged, and the verification of many."""
    from engine.bench.audit import run

    found = run(rows)
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"one row: median {found['row_ms']:.2f} ms, 95 % within {found['row_p95_ms']:.2f} ms")
    click.echo(f"what of it is the processor's: median {found['row_processor_ms']:.2f} ms")
    click.echo(f"the disk alone, a page of 4 KB: median {found['floor_ms']:.2f} ms")
    click.echo(f"one row without waiting for the disk: median {found['row_unsynced_ms']:.3f} ms")
    click.echo(f"{rows:,} rows: verified in {found['verify_s']:.2f} s, sealed in {found['seal_s']:.2f} s")
