"""casebind unlearn PATIENT · casebind unlearn verify PATIENT"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.errors import UsageError, WorkspaceError

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SEED = 0  # of the draw of patients


@click.command("unlearn")
@click.argument("words", nargs=-1, required=True, metavar="[verify] PATIENT")
@click.option("--random", "number", type=click.IntRange(1), help="Verify so many patients, drawn at random.")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="Of those drawn, begin with this one.")
@click.option("--steps", type=click.IntRange(1), help="Of each fit that verifies; those of a round without it.")
@json_option
@workspace_option
def command(
    *, words: tuple[str, ...], number: int | None, first: int, steps: int | None, as_json: bool, workspace: Path | None
) -> None:
    """Learn everything anew from the shipped release without a patient, and let no release serve that saw them.

    `verify` learns twice, here without the patient and in a second workspace that never held them, and compares the
    digests of everything learnt and of all codes. Equal bits are the evidence. `verify --random 50 --from 15` goes on
    where a run over 50 was stopped.
    """
    folder = workspace or settings.workspace_path()
    if words[0] != "verify":
        _unlearn(folder, _only(words), as_json=as_json)
        return
    is_draw = number is not None and len(words) == 1
    patients = _drawn(folder, number or 0, first) if is_draw else [_only(words[1:])]
    found, started = {}, time.monotonic()
    for n, patient in enumerate(patients, start=first):
        found[patient] = _asked(folder, "verify", patient=patient, steps=steps)
        place = f"{n:,} of {first - 1 + len(patients):,}  " if is_draw else ""
        click.echo(f"{place}{patient}: {_sentence(found[patient])}", err=as_json)
    equal = [one for one, evidence in found.items() if evidence["digests_equal"]]
    if as_json:
        click.echo(json.dumps({"digests_equal": len(equal) == len(found), "patients": found}))
    elif len(found) > 1:
        click.echo(f"Equal for {len(equal)} of {len(found)} patients; {time.monotonic() - started:,.0f} s.")
    if len(equal) < len(found):
        raise WorkspaceError(
            "What was learnt differs, so somebody is not forgotten: run `casebind unlearn` and verify again."
        )


def _unlearn(folder: Path, patient: str, *, as_json: bool) -> None:
    done = _asked(folder, "unlearn", patient=patient)
    if as_json:
        click.echo(json.dumps(done))
    elif not done["retired"]:
        click.echo(f"Nothing that serves here has learnt from {patient}; release {done['release']} goes on serving.")
    else:
        how = f"learnt anew from {done['marks']:,} marks" if done["marks"] else "which never saw a patient of yours"
        click.echo(f"Release {done['release']}, {how}, serves; {', '.join(done['retired'])} may not serve again.")


def _sentence(found: dict[str, Any]) -> str:
    """Return what a verification found."""
    if found["first_different"]:
        return f"different: {found['first_different']}"
    serves = {
        True: "what serves here is it",
        False: "what serves here is NOT it",
        None: "no release here was learnt of it",
    }
    return f"equal in {len(found['never'])} digests of everything learnt and all codes; {serves[found['served']]}"


def _only(words: tuple[str, ...]) -> str:
    if len(words) != 1:
        raise UsageError("Name one patient, as in `casebind unlearn verify PATIENT`.")
    return words[0]


def _drawn(folder: Path, number: int, first: int) -> list[str]:
    """Return the patients drawn, from one of them on; fewer are the first ones of more."""
    known = _asked(folder, "patients")["patients"]
    drawn = random.Random(SEED).sample(known, len(known))[:number]
    if first > len(drawn):
        raise UsageError(f"Only {len(drawn):,} patients are drawn, so none is number {first:,}: take a smaller --from.")
    return drawn[first - 1 :]


def _asked(folder: Path, act: str, **facts: Any) -> dict[str, Any]:
    from engine.consent.acts import carry_out

    return carry_out(folder, act, facts, single_user().name)
