"""A site of a federation: it waits for what the coordinator asks, and answers with the maps that it has learnt.

Flower's SuperNode carries files (federation/); what learns is this process, by `Participant`. A message
that comes twice is answered by the file that answered it first.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.errors import CasebindError, FederationError, UsageError, brief
from engine.federation.exchange_record import ground_from
from engine.federation.flower import APP, Flower, end, free_port
from engine.federation.keys import AUTHORITY, checked_name
from engine.federation.state import SharedState, from_arrays
from engine.files import write_whole

ADDRESS = re.compile(r"[^\s:/]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}")
SPOOL, ASKS, ANSWERS = "spool", "asks", "answers"
LAUNCHER = "flwr-clientapp"  # what Flower starts for every message, by this name
LINGER_S = 5.0  # after the result, for the answer to be carried away
AGAIN_S = 2.0  # before the SuperNode is started again
POLL_S = 0.1


@dataclass(frozen=True)
class SiteSetting:
    """Who a site is and whom it talks to.

    folder  : holds ca.pem and NAME.key, and the files that are on their way
    address : HOST:PORT of the coordinator
    secure  : whether it answers under secure aggregation alone
    """

    folder: Path
    name: str
    address: str
    secure: bool = False


@dataclass(frozen=True)
class Ask:
    """What a coordinator asks: to learn from a state for some steps, or to take the state that came of it all."""

    federation: str
    number: int
    steps: int
    proximal: float
    state: SharedState


class Participant(Protocol):
    """What a site does with what it is asked; errors of Casebind are told to the coordinator in their sentence."""

    def learn(self, asked: Ask) -> tuple[SharedState, int]:
        """Return what it has learnt, and from how many ratings and labelled studies."""

    def receive(self, asked: Ask) -> str:
        """Take the result; return in a few words what became of it. It may be asked twice."""


def attend(
    setting: SiteSetting,
    flower: Flower,
    hospital: Participant,
    *,
    say: Callable[[str], object],
    until: Callable[[], bool] = lambda: False,
    once: bool = False,
) -> None:
    """Answer what is asked until `until` says so, or, `once`, until a federation's result has come.

    Raises UsageError where the site's key or the coordinator's authority is not in the folder, or the address is none.
    """
    _check(setting)
    say(f"waits for what {setting.address} asks; {setting.folder / 'flower' / 'supernode.log'} says how it is reached")
    spool, node = _spool(setting.folder), _Node(setting, flower)
    try:
        while not until():
            node.keep()
            for file in sorted((spool / ASKS).glob("*.json")):
                kind = _answer(spool, file, setting.name, hospital, say)
                if once and kind == "result":
                    time.sleep(LINGER_S)
                    return
            time.sleep(POLL_S)
    finally:
        node.close()


def _answer(spool: Path, file: Path, name: str, hospital: Participant, say: Callable[[str], object]) -> str:
    """Answer one ask by files, whole or not at all; return its kind."""
    facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
    with np.load(file.with_suffix(".npz"), allow_pickle=False) as found:
        arrays = {part: found[part] for part in found.files}
    key, answers = file.stem, spool / ANSWERS
    if not (answers / f"{key}.json").exists():
        for old in answers.glob("*-learn-*"):  # what was answered before is over
            old.unlink()
        try:
            asked = _asked(facts, arrays)
            said, learnt = _said(facts["kind"], asked, hospital)
            say(f"{facts['kind']} {asked.number}: {said.get('made') or 'answered'}")
        except CasebindError as problem:
            said, learnt = {"error": str(problem)}, None
            say(f"{name}: {problem}")
        _write_answer(answers / key, said, learnt)
    file.unlink(missing_ok=True)
    file.with_suffix(".npz").unlink(missing_ok=True)
    return str(facts["kind"]) if "error" not in _json(answers / f"{key}.json") else ""


def _asked(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Ask:
    try:
        state = from_arrays(ground_from(facts["ground"]), arrays)
        number, steps, proximal = int(facts["number"]), int(facts["steps"]), float(facts["proximal"])
        return Ask(str(facts["federation"]), number, steps, proximal, state)
    except (KeyError, TypeError, ValueError) as error:
        raise FederationError("The coordinator asks what this version does not know: update Casebind.") from error


def _said(kind: str, asked: Ask, hospital: Participant) -> tuple[dict[str, Any], SharedState | None]:
    """Return the facts of an answer and the state that goes with it."""
    if kind == "result":
        return {"made": hospital.receive(asked)}, None
    learnt, examples = hospital.learn(asked)
    return {"ground": asdict(learnt.ground), "examples": examples}, learnt


def _write_answer(file: Path, said: Mapping[str, Any], learnt: SharedState | None) -> None:
    if learnt is not None:
        buffer = io.BytesIO()
        np.savez(buffer, **learnt.arrays())  # type: ignore[arg-type]
        write_whole(file.with_suffix(".npz"), buffer.getvalue())
    write_whole(file.with_suffix(".json"), json.dumps(dict(said)))


class _Node:
    """Flower's SuperNode of a site, started again where it ends."""

    def __init__(self, setting: SiteSetting, flower: Flower) -> None:
        self.setting, self.flower = setting, flower
        self.process: subprocess.Popen[bytes] | None = None
        self.ended = -AGAIN_S

    def keep(self) -> None:
        """Start it where it does not run."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() < self.ended + AGAIN_S:
            return
        self.close()
        one, folder = self.setting, self.setting.folder
        launch = folder / SPOOL / "bin"
        words = ["--root-certificates", str(folder / AUTHORITY), "--superlink", one.address]
        words += ["--auth-supernode-private-key", str(folder / f"{one.name}.key")]
        words += ["--host", "127.0.0.1", "--port", str(free_port())]
        more = {
            "CASEBIND_SPOOL": str(folder / SPOOL),
            "CASEBIND_SECURE": str(int(one.secure)),
            "PATH": self.flower.path(launch),
        }
        _write_launcher(launch / LAUNCHER, self.flower)
        self.process = self.flower.start("supernode", words, folder / "flower", more)

    def close(self) -> None:
        """End it."""
        if self.process is not None:
            end(self.process)
        self.process, self.ended = None, time.monotonic()


def _write_launcher(file: Path, flower: Flower) -> None:
    """Write the program that runs this site's own app, whatever code a coordinator sends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    words = f'#!/bin/sh\nexec "{flower.bin / "python"}" -m casebind_flower.clientapp "$@"\n'
    write_whole(file, words.encode(), mode=0o700)


def _spool(folder: Path) -> Path:
    """Return the folder of files that are on their way; what an ended process was asked is asked anew."""
    spool = folder / SPOOL
    for name in (ASKS, ANSWERS):
        (spool / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return spool


def _check(setting: SiteSetting) -> None:
    key, authority = setting.folder / f"{checked_name(setting.name)}.key", setting.folder / AUTHORITY
    if not key.is_file():
        raise UsageError(f"There is no key {key}: make it by `casebind federate keys`, with --site.")
    if not authority.is_file():
        raise UsageError(f"There is no {authority}: copy it from the coordinator, which made it with its keys.")
    if not ADDRESS.fullmatch(setting.address):
        raise UsageError(f"'{brief(setting.address)}' is no address: give the coordinator's as HOST:PORT.")
    if not APP.is_dir():
        raise UsageError(f"The folder {APP} is missing: install Casebind again.")


def _json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found
