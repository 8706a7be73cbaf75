"""Federations over Flower's own processes: hostile, lost and unfitting sites, a killed coordinator, and sums."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.federation_site import FULL, direction

from engine.errors import UsageError
from engine.federation import keys
from engine.federation.exchange_record import ExchangeRecord, digest_of
from engine.federation.flower import APP, Flower, flower, free_port
from engine.federation.state import Ground, SharedState
from engine.settings import ROOT

HELPERS = ROOT / "tests" / "helpers"
LONG = 240.0  # seconds; others may use the processor too
GROUND = Ground("base", ("cxr",), "encoders", "findings")


@pytest.fixture(scope="module")
def program() -> Flower:
    try:
        return flower()
    except UsageError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen]]:
    """Processes of a test, which are ended with it."""
    running: list[subprocess.Popen] = []
    yield running
    for one in running:
        one.kill()
        one.wait()


def beginning() -> SharedState:
    rng = np.random.default_rng(1)
    head, weight = (rng.normal(size=(4, 4)).astype(np.float32) for _ in range(2))
    return SharedState(GROUND, {"cxr": head}, weight, np.zeros((1, 4), np.float32))


def run(*words: object, started: list[subprocess.Popen], log: Path) -> subprocess.Popen:
    with log.open("ab") as said:
        more = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        made = subprocess.Popen(
            [sys.executable, *map(str, words)], env={**os.environ, **more}, stdout=said, stderr=said, cwd=ROOT
        )
    started.append(made)
    return made


def until(there: Callable[[], bool], what: str) -> None:
    last = time.monotonic() + LONG
    while not there():
        assert time.monotonic() < last, what
        time.sleep(0.1)


def consortium(
    home: Path, hows: dict[str, str], started: list[subprocess.Popen], *more: str
) -> tuple[Path, int, dict[str, subprocess.Popen]]:
    """Make keys, start the sites, and return the coordinator's folder, its port and the sites."""
    folder, port = home / "coordinator", free_port()
    keys.make_coordinator_keys(folder, ["127.0.0.1"])
    sites = {}
    for name, how in hows.items():
        shutil.copy(keys.make_site_key(home / name, name), folder / keys.SITES)
        shutil.copy(folder / keys.AUTHORITY, home / name)
        words = (HELPERS / "federation_site.py", home / name, name, f"127.0.0.1:{port}", how, *more)
        sites[name] = run(*words, started=started, log=home / name / "said")
    np.savez(folder / "start.npz", **beginning().arrays())
    return folder, port, sites


def coordinator(folder: Path, port: int, started: list[subprocess.Popen], **asked: Any) -> subprocess.Popen:
    words = (HELPERS / "federation_coordinator.py", folder, port, json.dumps(asked))
    return run(*words, started=started, log=folder / "said")


def said(folder: Path) -> str:
    return (folder / "said").read_text()


def test_a_hostile_site_is_named_others_go_missing_and_a_killed_coordinator_goes_on(
    program: Flower, tmp_path: Path, started: list[subprocess.Popen]
) -> None:
    hows = {"graz": "1", "linz": "1", "wels": "1", "steyr": "-10", "enns": "nan,hang"}
    folder, port, sites = consortium(tmp_path, hows, started)
    record, plan = ExchangeRecord(folder), {"rounds": 2, "steps": 1, "rule": "krum"}
    first = coordinator(folder, port, started, plan=plan, patience=20)
    until(lambda: len(record.rows()) == 1, said(folder))
    until((tmp_path / "enns" / "hangs").exists, "it was not asked twice")
    assert status(folder, port, "127.0.0.2", "/v1/control/list-nodes") == 403  # another machine starts no runs
    assert status(folder, port, "127.0.0.2", "/v1/fleet/pull-messages") not in (403, 404)
    first.kill()
    os.kill(sites["enns"].pid, signal.SIGKILL)
    (row,) = record.rows()
    assert row["left_out"] == ["steyr"] and sorted(row["sites"]) == ["graz", "linz", "steyr", "wels"]
    assert "numbers that are none" in row["away"]["enns"]
    assert row["sites"]["steyr"]["norm"] > 5 * row["sites"]["graz"]["norm"]
    assert coordinator(folder, port, started, plan=plan, patience=20).wait(LONG) == 0, said(folder)
    assert "goes on after exchange 1 of 2" in said(folder)
    again, last = record.rows()
    assert again == row and last["before"] == row["after"] and last["left_out"] == ["steyr"]
    assert "enns" in last["away"]
    honest = np.mean([direction(name, 36, "1") for name in ("graz", "linz", "wels")], axis=0)
    found = record.state(2, GROUND)
    assert found.vector() == pytest.approx(beginning().vector() + 2 * honest, abs=1e-5)
    assert record.received() == dict.fromkeys(("graz", "linz", "steyr", "wels"), "kept")
    assert digest_of(found) == last["after"]
    assert np.load(tmp_path / "graz" / "result.npy") == pytest.approx(found.vector(), abs=1e-7)
    assert (tmp_path / "graz" / "learnt").read_text().split().count("1") == 1  # no exchange that is done is done again


def test_secure_aggregation_goes_on_without_a_site_that_fails(
    program: Flower, tmp_path: Path, started: list[subprocess.Popen]
) -> None:
    folder, port, _ = consortium(tmp_path, {"graz": "1", "linz": "1", "wels": "full"}, started, "--secure")
    plan = {"rounds": 1, "steps": 1}
    assert coordinator(folder, port, started, plan=plan, secure=True, patience=60).wait(LONG) == 0, said(folder)
    (row,) = ExchangeRecord(folder).rows()
    assert row["sites"] == {"graz": {}, "linz": {}} and FULL in row["away"]["wels"]
    mean = np.mean([direction(name, 36, "1") for name in ("graz", "linz")], axis=0)
    assert ExchangeRecord(folder).state(1, GROUND).vector() == pytest.approx(beginning().vector() + mean, abs=1e-4)


@pytest.mark.parametrize("gone", [None, (3, "setup"), (3, "share_keys"), (3, "collect_masked_vectors"), (3, "unmask")])
def test_what_the_coordinator_is_sent_of_one_site_is_not_its_update(
    program: Flower, tmp_path: Path, gone: tuple[int, str] | None
) -> None:
    updates = np.random.default_rng(3).normal(size=(4, 400)).astype(np.float32)
    seen = sums(program, tmp_path, updates, gone)
    sent = {"s0", "s1", "s2", "s3"} - ({"s2"} if gone and gone[1] != "unmask" else set())
    inside = [updates[int(name[1:])] for name in sorted(sent)]
    assert set(seen["masked"]) == sent == set(seen["said"])
    assert seen["mean"] == pytest.approx(np.mean(inside, axis=0), abs=1e-4)
    for name, masked in seen["masked"].items():
        numbers, own = np.array(masked[1:], np.float64), updates[int(name[1:])]
        assert abs(np.corrcoef(numbers, own)[0, 1]) < 0.3  # 400 numbers of chance come to 0.05
        assert numbers.min() < 2**28 and numbers.max() > 2**32 - 2**28  # spread over the whole modulus


def test_an_update_is_shortened_where_it_is_made_since_nobody_else_can(program: Flower, tmp_path: Path) -> None:
    updates = np.ones((3, 4), np.float32) * [[1], [1], [10]]
    seen = sums(program, tmp_path, updates, None, clip=2.0)
    assert seen["mean"] == pytest.approx([1.0] * 4, abs=1e-4)


def sums(program: Flower, home: Path, updates: np.ndarray, gone: object, clip: float = 0.0) -> dict[str, Any]:
    """Return what came of one exchange in which the server's side and the sites' are Flower's own."""
    own = {"PYTHONPATH": str(APP), "FLWR_HOME": str(home), "FLWR_TELEMETRY_ENABLED": "0"}
    done = subprocess.run(
        [program.bin / "python", HELPERS / "secure_sums.py"],
        input=json.dumps({"updates": updates.tolist(), "gone": gone, "clip": clip}),
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def status(folder: Path, port: int, source: str, path: str) -> int:
    """Return the status of a request from another address of this machine, over TLS."""
    trusted = ssl.create_default_context(cafile=str(folder / keys.AUTHORITY))
    asked = HTTPSConnection("127.0.0.1", port, source_address=(source, 0), context=trusted, timeout=30)
    asked.request("POST", path, b"")
    return asked.getresponse().status
