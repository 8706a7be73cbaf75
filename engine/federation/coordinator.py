"""The coordinator of a federation: it runs the exchanges, puts together what sites send, and keeps the record.

It starts Flower's SuperLink and the run that carries files (federation/), and starts them again where
they end. What is put together is checked here: a site that sends what does not fit is left out of that exchange.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import CasebindError, FederationError, UsageError
from engine.federation.exchange_record import Consortium, ExchangeRecord, digest_of, ground_from
from engine.federation.flower import Flower, end
from engine.federation.keys import AUTHORITY, CERTIFICATE, SERVER_KEY, site_keys
from engine.federation.plan import FederationPlan, together
from engine.federation.state import SharedState, check_fits, from_arrays
from engine.files import utc_now, write_whole

RELAY, LOCK = "relay", "lock"
UP_S = 60.0  # for the SuperLink and its run to be there
SILENT_S = 30.0  # after which a run that says nothing is gone
STAGES = {True: 4, False: 1}  # how often sites are asked in one exchange, under secure aggregation and without
TRIES = 3  # of an exchange, where the SuperLink or its run ends
MOST_EXAMPLES = 100_000  # that a site may say it has
POLL_S = 0.1


@dataclass(frozen=True)
class CoordinatorSetting:
    """Where a coordinator listens and how long it waits.

    fewest     : sites that must answer for an exchange to count
    gather_s   : for sites that are not there yet; patience_s : for an answer
    """

    host: str = "127.0.0.1"
    port: int = 9443
    fewest: int = 2
    gather_s: float = 60.0
    patience_s: float = 600.0


class _Lost(Exception):
    """Flower's processes have ended, or say nothing."""


def coordinate(
    folder: Path,
    flower: Flower,
    start: SharedState,
    *,
    plan: FederationPlan,
    secure: bool,
    setting: CoordinatorSetting,
    say: Callable[[str], object],
) -> tuple[Consortium, SharedState]:
    """Run a federation to its end, or go on with the one in the folder; return what was agreed and learnt.

    start : what all begin with. say : told a line for each step
    Raises UsageError where another plan was agreed on, or too few sites answer: it goes on from there next time.
    """
    with _alone(folder):
        record = ExchangeRecord(folder)
        agreed = _agreed(record, start, plan, secure)
        keys = {name: key for name, key in site_keys(folder).items() if name in agreed.sites}
        with _link(folder, flower, setting, keys) as link:
            state = _exchanges(link, record, agreed, setting, say)
            _hand_back(link, record, agreed, state, say)
    return agreed, state


def _agreed(record: ExchangeRecord, start: SharedState, plan: FederationPlan, secure: bool) -> Consortium:
    """Return what was agreed before, where it is what is asked for, or agree on it now."""
    known, sites = record.agreement(), tuple(site_keys(record.folder))
    if known is None:
        return record.begin(start, sites, plan, secure)
    if (known.plan, known.secure, known.ground) != (plan, secure, start.ground):
        raise UsageError(
            f"A federation with another plan or release was begun in {record.folder}: give the options it has in "
            "federation.json, or take another folder."
        )
    if set(known.sites) != set(sites):
        raise UsageError(
            f"The keys in {record.folder / 'sites'} are not those of the sites that began: put them back, use "
            "`casebind federate leave`, or take another folder."
        )
    return known


def _exchanges(
    link: _Link, record: ExchangeRecord, agreed: Consortium, setting: CoordinatorSetting, say: Callable[[str], object]
) -> SharedState:
    """Run what is left of the exchanges and return the last state."""
    done = len(record.rows())
    state = record.state(done, agreed.ground)
    if done:
        say(f"goes on after exchange {done} of {agreed.plan.rounds}")
    rng = np.random.default_rng()  # of the noise: whoever knew the seed could take it off again
    for number in range(done + 1, agreed.plan.rounds + 1):
        began = utc_now().isoformat(timespec="seconds")
        facts, arrays = link.carry("learn", number, agreed, state)
        put = _put_together(agreed, state, facts, arrays, rng)
        if isinstance(put, str) or len(put[1]["sites"]) < setting.fewest:
            raise UsageError(_too_few(number, agreed, facts, put if isinstance(put, str) else ""))
        after, row = put
        ended = utc_now().isoformat(timespec="seconds")
        times = {"exchange": number, "began": began, "ended": ended}
        record.add(number, after, {**times, **row, "before": digest_of(state), "after": digest_of(after)})
        state = after
        say(_line(number, agreed, row))
    return state


def _put_together(
    agreed: Consortium,
    state: SharedState,
    facts: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> tuple[SharedState, dict[str, Any]] | str:
    """Return the state after an exchange and its row; a sentence where it cannot be put together."""
    away = {name: "It was not there." for name in agreed.sites if name not in facts["present"]}
    away |= dict.fromkeys(facts["present"], "It did not answer in time.") | dict(facts["failed"])
    row: dict[str, Any] = {"rule": "secure sum" if agreed.secure else agreed.plan.rule}
    if agreed.secure:
        try:
            mean = from_arrays(agreed.ground, arrays)
            check_fits(mean, state, "The sum of all sites")
        except FederationError as problem:
            return str(problem)
        update, names = mean.vector(), sorted(facts["said"])
        if agreed.plan.noise:
            update = update + rng.normal(0.0, agreed.plan.noise * agreed.plan.clip / len(names), len(update))
        row |= {"sites": {name: {} for name in names}, "left_out": [], "norm": float(np.linalg.norm(update))}
    else:
        sent, why = _fitting(agreed, state, facts, arrays)
        away |= why
        names, before = list(sent), state.vector()
        if not names:
            return "; ".join(f"{name}: {away[name]}" for name in sorted(away))
        weights = np.array([_examples(facts["said"][name]) for name in names], np.float64)
        try:
            updates = np.stack([one.vector() - before for one in sent.values()])
            put = together(updates, weights, agreed.plan, rng)
        except UsageError as problem:
            return str(problem)
        update = put.update
        known = zip(names, weights, put.norms, sent.values(), strict=True)
        row["sites"] = {n: {"examples": int(w), "norm": float(norm), "bytes": one.bytes} for n, w, norm, one in known}
        row["left_out"] = [names[i] for i in put.left_out]
    row["away"] = {name: why for name, why in sorted(away.items()) if name not in row["sites"]}
    return state.with_vector(state.vector() + update), row


def _fitting(
    agreed: Consortium, state: SharedState, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, SharedState], dict[str, str]]:
    """Return what sites sent that can be put together, and why that of others cannot."""
    sent: dict[str, SharedState] = {}
    away: dict[str, str] = {}
    for name in sorted(facts["said"]):
        said = facts["said"][name]
        try:
            if not isinstance(said, dict) or "error" in said:
                raise FederationError(str(said["error"]) if isinstance(said, dict) else "It sent what is no answer.")
            own = {part.removeprefix(f"{name}/"): one for part, one in arrays.items() if part.startswith(f"{name}/")}
            if any(one.dtype != np.float32 for one in own.values()):
                raise FederationError(f"{name} sent numbers of another kind: have it update Casebind.")
            found = from_arrays(ground_from(said.get("ground", {})), own)
            check_fits(found, state, name)
            sent[name] = found
        except FederationError as problem:
            away[name] = str(problem)
    return sent, away


def _examples(said: Mapping[str, Any]) -> int:
    """Return how many ratings and labelled studies a site says it has, within what can be believed."""
    found = said.get("examples")
    return min(max(found, 1), MOST_EXAMPLES) if isinstance(found, int) else 1


def _hand_back(
    link: _Link, record: ExchangeRecord, agreed: Consortium, state: SharedState, say: Callable[[str], object]
) -> None:
    """Send the result to every site that has not said that it has it."""
    if set(record.received()) >= set(agreed.sites):
        return
    facts, _ = link.carry("result", agreed.plan.rounds + 1, agreed, state)
    said = {name: one for name, one in facts["said"].items() if isinstance(one, dict) and name in agreed.sites}
    record.add_received({name: str(one["made"]) for name, one in said.items() if "made" in one})
    for name in agreed.sites:
        why = str(said.get(name, {}).get("error", "It did not answer."))
        say(f"{name}: {record.received().get(name) or f'{why} Start the coordinator again to send the result again.'}")


def _too_few(number: int, agreed: Consortium, facts: Mapping[str, Any], why: str) -> str:
    """Say that an exchange did not come about, and what to do."""
    failed = "; ".join(f"{name}: {words}" for name, words in sorted(dict(facts["failed"]).items()))
    answered = len([one for one in facts["said"].values() if isinstance(one, dict) and "error" not in one])
    reason = f" ({why or failed})" if why or failed else ""
    return (
        f"{answered} of {len(agreed.sites)} sites could be put together in exchange {number}{reason}: nothing is lost, "
        "start the coordinator again and it goes on from here."
    )


def _line(number: int, agreed: Consortium, row: Mapping[str, Any]) -> str:
    parts = [f"exchange {number} of {agreed.plan.rounds}: {', '.join(row['sites'])}"]
    parts += [f"left out {', '.join(row['left_out'])}"] if row["left_out"] else []
    return "; ".join([*parts, *(f"{name} away: {why}" for name, why in row["away"].items())])


class _Link:
    """The SuperLink and its run, which are started again where they end."""

    def __init__(self, folder: Path, flower: Flower, setting: CoordinatorSetting, keys: Mapping[str, str]) -> None:
        self.folder, self.relay, self.flower = folder, folder / RELAY, flower
        self.setting, self.keys, self.asked = setting, keys, 0
        self.process: subprocess.Popen[bytes] | None = None

    def carry(
        self, kind: str, number: int, agreed: Consortium, state: SharedState
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Ask all sites and return what they said, with their arrays; the links are mended on the way."""
        for _ in range(TRIES):
            try:
                if self.process is None or self.process.poll() is not None:
                    self._start()
                return self._ask(kind, number, agreed, state)
            except _Lost:
                self.close()
        raise CasebindError(f"Flower's processes end again and again: {self.folder / 'flower'} holds their logs.")

    def close(self) -> None:
        """End the processes."""
        if self.process is not None:
            with suppress(OSError):
                (self.relay / "stop").touch()  # the run ends by itself, also where nobody reaps its parent
            end(self.process)
            self.process = None

    def _start(self) -> None:
        shutil.rmtree(self.relay, ignore_errors=True)
        self.relay.mkdir(parents=True)
        address = f"{self.setting.host}:{self.setting.port}"
        pairs = {"ca-certfile": AUTHORITY, "certfile": CERTIFICATE, "keyfile": SERVER_KEY}
        secured = [word for name, file in pairs.items() for word in (f"--ssl-{name}", str(self.folder / file))]
        words = ["--enable-supernode-auth", "--disable-runtime-dependency-installation"]
        words += ["--host", self.setting.host, "--port", str(self.setting.port)]
        words += ["--database", str(self.folder / "flower" / "link.db")]
        self.process = self.flower.start("superlink", [*secured, *words], self.folder / "flower")
        self._wait(lambda: _listens(self.setting), UP_S)
        local = f"127.0.0.1:{self.setting.port}" if self.setting.host == "0.0.0.0" else address
        self.flower.start_run(local, self.folder / AUTHORITY, self.relay, self.keys)
        self._wait((self.relay / "alive").exists, UP_S)

    def _ask(
        self, kind: str, number: int, agreed: Consortium, state: SharedState
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self.asked += 1
        waits = {"gather_s": self.setting.gather_s, "patience_s": self.setting.patience_s}
        facts = {
            "kind": kind,
            "number": number,
            "federation": agreed.id,
            "ground": asdict(agreed.ground),
            "sites": list(agreed.sites),
            "fewest": self.setting.fewest if kind == "learn" else 1,
            "secure": agreed.secure,
            "steps": agreed.plan.steps,
            "proximal": agreed.plan.proximal,
            "clip": agreed.plan.clip,
            **waits,
        }
        with (self.relay / "asked.npz").open("wb") as out:
            np.savez(out, **state.arrays())  # type: ignore[arg-type]
        (self.relay / "asked.npz").replace(self.relay / f"ask-{self.asked}.npz")
        write_whole(self.relay / f"ask-{self.asked}.json", json.dumps(facts), durable=False)
        answer = self.relay / f"got-{self.asked}.json"
        stages = STAGES[agreed.secure and kind == "learn"]
        self._wait(answer.exists, UP_S + self.setting.gather_s + stages * self.setting.patience_s)
        said = json.loads(answer.read_text("utf-8"))
        with np.load(answer.with_suffix(".npz"), allow_pickle=False) as found:
            return said, {name: found[name] for name in found.files}

    def _silent(self) -> bool:
        """Say whether the run showed before that it lives, and does no more."""
        try:
            return time.time() - (self.relay / "alive").stat().st_mtime > SILENT_S
        except FileNotFoundError:
            return False

    def _wait(self, there: Callable[[], bool], seconds: float) -> None:
        last = time.monotonic() + seconds
        while not there():
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > last or self._silent():
                raise _Lost
            time.sleep(POLL_S)


@contextmanager
def _link(folder: Path, flower: Flower, setting: CoordinatorSetting, keys: Mapping[str, str]) -> Iterator[_Link]:
    link = _Link(folder, flower, setting, keys)
    try:
        yield link
    finally:
        link.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; UsageError where another coordinator does, or where it holds no keys."""
    if not (folder / SERVER_KEY).is_file():
        raise UsageError(f"There are no keys in {folder}: make them by `casebind federate keys`, with --coordinator.")
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"A coordinator of {folder} runs already: wait for its end.") from error
        yield


def _listens(setting: CoordinatorSetting) -> bool:
    host = "127.0.0.1" if setting.host == "0.0.0.0" else setting.host
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex((host, setting.port)) == 0
