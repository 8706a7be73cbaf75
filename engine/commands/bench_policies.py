"""casebind bench policies"""

from __future__ import annotations

import json

import click


@click.command("policies")
@click.option("--n", type=click.IntRange(min=1000), default=1_000_000, show_default=True, help="Codes to search.")
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Rounds; medians are shown.")
@click.option("--queries", type=click.IntRange(min=1), default=20, show_default=True, help="Queries per round.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, n: int, rounds: int, queries: int, as_json: bool) -> None:
    """Time searches with and without policies, in turn; 63 of 64 classes of studies are permitted."""
    from engine.bench.policies import run

    found = run(n, rounds, queries)
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{n:,} codes: median {found['without_ms']:.2f} ms without, {found['with_ms']:.2f} ms with policies")
    busy = (found["without_processor_ms"], found["with_processor_ms"])
    click.echo(f"what of it is the processor's: {busy[0]:.2f} ms without, {busy[1]:.2f} ms with policies")
    click.echo(f"ratio {found['ratio']:.3f}; of the processor's {found['processor_ratio']:.3f}")
    click.echo(
        f"once a change: decisions on {found['classes']:.0f} classes {found['decisions_ms']:.0f} ms,"
        f" their mask {found['first_mask_ms']:.0f} ms"
    )
