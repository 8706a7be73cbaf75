"""A federation on disk: its plan, the state after every exchange, and a row of each exchange, never changed.

    DIR/federation.json   what was agreed: release, findings, sites, plan
    DIR/state-N.npz       the maps after exchange N; 0 is what all began with
    DIR/exchanges/N.json  who took part, sizes, norms, who was left out or away and why; written after state-N.npz
    DIR/result.json       which sites have the result

An exchange counts once its row is there. A coordinator that is killed begins the one after the last row again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import FederationError, UsageError
from engine.federation.plan import FederationPlan
from engine.federation.state import Ground, SharedState, from_arrays
from engine.files import utc_now, write_whole

PLAN, ROWS, RESULT, FORMER = "federation.json", "exchanges", "result.json", "former"
FEWEST_SECURE = 3  # sites; of two, each would know the other's update


@dataclass(frozen=True)
class Consortium:
    """What the consortium has agreed on; nothing of it changes while a federation lasts.

    id : of this federation; sites : their names; secure : whether the coordinator sees the sites' sum alone
    """

    id: str
    began: str
    ground: Ground
    sites: tuple[str, ...]
    plan: FederationPlan
    secure: bool


def check_plan(plan: FederationPlan, sites: Sequence[str], secure: bool) -> None:
    """Raise UsageError where what was chosen excludes itself, or the sites are too few for it."""
    if secure and plan.rule != "mean":
        raise UsageError(
            f"Secure aggregation and the rule {plan.rule} exclude each other, since nobody can rank what nobody sees: "
            "choose one of the two."
        )
    if plan.noise and plan.rule != "mean":
        raise UsageError("Noise takes the place of a rule: leave --rule out, or --noise.")
    if plan.noise and not plan.clip:
        raise UsageError("Noise is a multiple of what one site can change: say by --clip how long an update may be.")
    least = FEWEST_SECURE if secure else 2
    if len(sites) < least:
        raise UsageError(f"{len(sites)} sites have sent a key and {least} are needed: put further ones into sites/.")


class ExchangeRecord:
    """A federation's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def agreement(self) -> Consortium | None:
        """Return what was agreed; None where nothing was yet."""
        try:
            known = json.loads((self.folder / PLAN).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return Consortium(
            known["id"],
            known["began"],
            ground_from(known["ground"]),
            tuple(known["sites"]),
            FederationPlan(**known["plan"]),
            bool(known["secure"]),
        )

    def begin(self, start: SharedState, sites: Sequence[str], plan: FederationPlan, secure: bool) -> Consortium:
        """Write what is agreed, after what all begin with, and return it."""
        check_plan(plan, sites, secure)
        began = utc_now().isoformat(timespec="seconds")
        made = Consortium(os.urandom(6).hex(), began, start.ground, tuple(sites), plan, secure)
        (self.folder / ROWS).mkdir(parents=True, exist_ok=True)
        self._write_state(0, start)
        write_whole(self.folder / PLAN, json.dumps(asdict(made), indent=1))
        return made

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all exchanges that are done, in their order."""
        found: list[dict[str, Any]] = []
        while (file := self.folder / ROWS / f"{len(found) + 1}.json").is_file():
            found.append(json.loads(file.read_text("utf-8")))
        return found

    def state(self, number: int, ground: Ground) -> SharedState:
        """Return the maps after an exchange."""
        with np.load(self.folder / f"state-{number}.npz", allow_pickle=False) as arrays:
            return from_arrays(ground, dict(arrays))

    def add(self, number: int, after: SharedState, row: Mapping[str, Any]) -> None:
        """Write the maps after an exchange, and then its row."""
        self._write_state(number, after)
        write_whole(self.folder / ROWS / f"{number}.json", json.dumps(dict(row), indent=1))

    def received(self) -> dict[str, str]:
        """Return site → what it made of the result, of those that have it."""
        try:
            found: dict[str, str] = json.loads((self.folder / RESULT).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def add_received(self, said: Mapping[str, str]) -> None:
        """Note what further sites have made of the result."""
        write_whole(self.folder / RESULT, json.dumps({**self.received(), **said}, indent=1))

    def leave(self, site: str) -> None:
        """Begin anew without a site: its key goes, and what was learnt with it is set aside under `former`.

        Raises UsageError where it is none of the sites.
        """
        known, key = self.agreement(), self.folder / "sites" / f"{site}.pub"
        if not key.is_file():
            raise UsageError(f"There is no key of a site {site} in {self.folder / 'sites'}: look there for its name.")
        if known is not None:
            aside = self.folder / FORMER / known.id
            aside.mkdir(parents=True, exist_ok=True)
            for name in (ROWS, RESULT, *(file.name for file in self.folder.glob("state-*.npz")), PLAN):  # the plan last
                if (self.folder / name).exists():
                    os.replace(self.folder / name, aside / name)
        key.unlink()

    def _write_state(self, number: int, state: SharedState) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **state.arrays())  # type: ignore[arg-type]
        write_whole(self.folder / f"state-{number}.npz", buffer.getvalue())


def ground_from(known: Mapping[str, Any]) -> Ground:
    """Return a ground from its JSON; FederationError where it is none."""
    try:
        modalities = tuple(str(one) for one in known["modalities"])
        return Ground(str(known["release"]), modalities, str(known["encoders"]), str(known["findings"]))
    except (KeyError, TypeError) as error:
        raise FederationError("A site does not say which release it learns on: have it update Casebind.") from error


def digest_of(state: SharedState) -> str:
    """Return a SHA-256 over the numbers of a state."""
    digest = hashlib.sha256()
    for name, array in state.arrays().items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
