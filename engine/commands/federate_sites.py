"""casebind federate keys | coordinator | site | leave"""

from __future__ import annotations

import json
import math
import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import settings
from engine.actor import SINGLE_USER
from engine.commands.shared import load_release, workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.federation.aggregation import Rule
    from engine.federation.plan import FederationPlan
    from engine.federation.site import Ask
    from engine.federation.state import SharedState

FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command("keys")
@FOLDER
@click.option("--coordinator", "hosts", multiple=True, metavar="HOST", help="A name or address of it; may be repeated.")
@click.option("--site", metavar="NAME", help="Make the key of a site.")
def keys_command(folder: Path, hosts: tuple[str, ...], site: str | None) -> None:
    """Make the coordinator's certificate, or a site's key. Nothing that is there is overwritten."""
    from engine.federation import keys

    if bool(hosts) == bool(site):
        raise UsageError("Say whose keys: --coordinator HOST, or --site NAME.")
    if site:
        made = keys.make_site_key(folder, site)
        click.echo(f"Send {made} to the coordinator, who puts it into sites/. {made.with_suffix('.key')} stays here.")
    else:
        made = keys.make_coordinator_keys(folder, hosts)
        click.echo(f"Give {made} to every site, and put each site's NAME.pub into {folder / keys.SITES}.")


@click.command("coordinator")
@FOLDER
@click.option("--release", "release_folder", type=click.Path(path_type=Path), metavar="DIR", help="To begin with.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Exchanges.")
@click.option("--steps", type=click.IntRange(1), default=30, show_default=True, help="Of a site in an exchange.")
@click.option("--proximal", type=click.FloatRange(0), default=0.0, show_default=True, help="FedProx's weight.")
@click.option("--rule", type=click.Choice(("mean", "trimmed", "krum")), help="Default: krum from four sites on.")
@click.option("--hostile", type=click.IntRange(1), default=1, show_default=True, help="Sites that a rule allows for.")
@click.option("--secure", is_flag=True, help="Secure aggregation: only the sites' sum is seen. Three sites and more.")
@click.option("--clip", type=click.FloatRange(0), default=0.0, help="The longest an update may be; 0 for as it is.")
@click.option("--noise", type=click.FloatRange(0), default=0.0, help="Times --clip, over the sites; for privacy.")
@click.option("--host", default="127.0.0.1", show_default=True, help="To listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=9443, show_default=True)
@click.option("--fewest", type=click.IntRange(1), default=2, show_default=True, help="Sites that must answer.")
@click.option("--gather", type=float, default=300.0, show_default=True, metavar="S", help="For sites to come.")
@click.option("--patience", type=float, default=1800.0, show_default=True, metavar="S", help="For an answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object.")
def coordinator_command(folder: Path, release_folder: Path | None, as_json: bool, **asked: Any) -> None:
    """Run a federation's exchanges with the sites whose keys are in DIR/sites, or go on with the one in DIR."""
    from engine.federation import coordinator
    from engine.federation.exchange_record import ExchangeRecord
    from engine.federation.flower import flower
    from engine.federation.keys import site_keys
    from engine.federation.state import state_of
    from engine.model.release import load_release as load

    plan = _plan(asked, len(site_keys(folder)))
    release = load(release_folder) if release_folder else load_release()
    where = coordinator.CoordinatorSetting(
        asked["host"], asked["port"], asked["fewest"], asked["gather"], asked["patience"]
    )
    if plan.noise:
        click.echo(_promise(plan), err=True)
    agreed, _ = coordinator.coordinate(
        folder,
        flower(),
        state_of(release),
        plan=plan,
        secure=asked["secure"],
        setting=where,
        say=lambda words: click.echo(words, err=True),
    )
    record = ExchangeRecord(folder)
    if as_json:
        click.echo(json.dumps({"federation": agreed.id, "exchanges": record.rows(), "received": record.received()}))
    else:
        click.echo(f"Federation {agreed.id} has ended after {agreed.plan.rounds} exchanges: {folder} holds its record.")


@click.command("site")
@FOLDER
@click.option("--name", required=True, help="As the coordinator knows it: DIR/NAME.key is its key.")
@click.option("--address", required=True, metavar="HOST:PORT", help="Of the coordinator.")
@click.option("--secure", is_flag=True, help="Answer under secure aggregation alone.")
@click.option("--once", is_flag=True, help="End once a federation's result has come.")
@click.option("--who", default=SINGLE_USER, show_default=True, help="Name for the audit.")
@workspace_option
def site_command(
    *, folder: Path, name: str, address: str, secure: bool, once: bool, who: str, workspace: Path | None
) -> None:
    """Learn with other hospitals: wait for the coordinator, and answer with maps alone. The app may be running.

    The result becomes a candidate that this site's own gate measures; somebody promotes it, or not. Ctrl+C ends it.
    """
    from engine.federation.flower import flower
    from engine.federation.site import SiteSetting, attend

    place = _Workspace(workspace or settings.workspace_path(), folder, name, who)
    setting = SiteSetting(folder.expanduser().resolve(), name, address, secure)
    attend(setting, flower(), place, say=lambda words: click.echo(words, err=True), once=once)


@click.command("leave")
@FOLDER
@click.argument("site")
def leave_command(folder: Path, site: str) -> None:
    """Let a site go, at the coordinator: its key is deleted, and the next start begins a federation without it."""
    from engine.federation.exchange_record import ExchangeRecord

    ExchangeRecord(folder).leave(site)
    click.echo(f"{site} is out. What was learnt with it is in {folder / 'former'}; the next start begins without it.")


class _Workspace:
    """A hospital's workspace as a site of a federation; its acts are the app's where that has it open."""

    def __init__(self, workspace: Path, folder: Path, name: str, who: str) -> None:
        self.workspace, self.folder, self.name, self.who = workspace, folder, name, who

    def learn(self, asked: Ask) -> tuple[SharedState, int]:
        """Gather, learn and forget what was gathered."""
        from engine.consent.acts import carry_out
        from engine.federation.candidate import learn

        facts = {"federation": asked.federation, "exchange": asked.number}
        given = carry_out(self.workspace, "federation gives", facts, self.who)
        try:
            seed = zlib.crc32(f"{asked.federation} {asked.number} {self.name}".encode())
            made = learn(given, asked.state, steps=asked.steps, proximal=asked.proximal, seed=seed)
        finally:
            shutil.rmtree(str(given["folder"]), ignore_errors=True)
        return made, int(given["examples"])

    def receive(self, asked: Ask) -> str:
        """Begin the gate's measuring of the result."""
        from dataclasses import asdict

        import numpy as np

        from engine.consent.acts import carry_out

        file = (self.folder / "result.npz").resolve()
        np.savez(file, **asked.state.arrays())  # type: ignore[arg-type]
        facts = {"federation": asked.federation, "exchanges": asked.number - 1, "file": str(file)}
        made = carry_out(self.workspace, "federation takes", {**facts, "ground": asdict(asked.state.ground)}, self.who)
        return f"measures it as the candidate {made['name']}"


def _plan(asked: dict[str, Any], sites: int) -> FederationPlan:
    """Return the plan that options mean: Multi-Krum where there are sites enough and nothing excludes it."""
    from engine.federation.aggregation import FEWEST_ROBUST
    from engine.federation.plan import FederationPlan

    usual: Rule = "krum" if sites >= FEWEST_ROBUST and not (asked["secure"] or asked["noise"]) else "mean"
    names = ("rounds", "steps", "proximal", "hostile", "clip", "noise")
    rule: Rule = asked["rule"] or usual
    return FederationPlan(rule=rule, **{name: asked[name] for name in names})


def _promise(plan: FederationPlan) -> str:
    """Say what noise promises, and that it is of no use among few sites."""
    from engine.federation.privacy import DELTA, epsilon

    found = epsilon(plan.noise, plan.rounds)
    said = "nothing" if math.isinf(found) else f"ε {found:,.1f} at δ {DELTA:g} for a whole site"
    return f"The noise promises {said}. Among a few sites, noise that promises much leaves nothing to learn."
