"""What a site does with a message: its facts and arrays go into files, and Casebind's own process answers by files.

    $CASEBIND_SPOOL/asks/KEY.npz, .json      what is asked; KEY names federation, exchange and what was sent
    $CASEBIND_SPOOL/answers/KEY.npz, .json   the answer; a message that comes twice is answered by the same files

A site that was started with secure aggregation answers nothing else, so that nobody can ask for its update openly.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.client.mod.secure_aggregation.secaggplus_mod import secaggplus_mod
from flwr.clientapp import ClientApp
from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS
from flwr.compat.common import recorddict_compat as legacy

from casebind_flower.files import POLL_S, read_arrays, write

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Answer one message."""
    if RECORD_KEY_CONFIGS in message.content.config_records:
        return secaggplus_mod(message, context, _masked)
    facts = json.loads(str(message.content["ask"]["facts"]))
    if os.environ["CASEBIND_SECURE"] == "1" and facts["kind"] == "learn":
        raise ValueError("This site learns under secure aggregation alone: start the coordinator with --secure.")
    arrays = {name: array.numpy() for name, array in message.content["state"].items()}
    said, found = _answered(facts, arrays)
    state = ArrayRecord({name: Array(array) for name, array in found.items()})
    content = {"state": state, "about": ConfigRecord({"facts": json.dumps(said)})}
    return Message(RecordDict(content), reply_to=message)


def _masked(message: Message, context: Context) -> Message:
    """Return the site's update, which secaggplus_mod masks before anything leaves; sites count alike."""
    given = legacy.recorddict_to_fitins(message.content, keep_input=True)
    facts = json.loads(str(given.config["facts"]))
    names = facts["names"]
    before = dict(zip(names, parameters_to_ndarrays(given.parameters), strict=True))
    said, found = _answered(facts, before)
    if "error" in said:
        raise ValueError(said["error"])
    update = _clipped([found[name] - before[name] for name in names], float(facts["clip"]))
    res = FitRes(Status(Code.OK, ""), ndarrays_to_parameters(update), num_examples=1, metrics={})
    return Message(legacy.fitres_to_recorddict(res, keep_input=False), reply_to=message)


def _clipped(update: list[np.ndarray], longest: float) -> list[np.ndarray]:
    """Shorten an update that is longer than `longest`, 0 for as it is: nobody else can, under secure aggregation."""
    norm = float(np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in update)))
    return [one * np.float32(longest / norm) for one in update] if 0 < longest < norm else update


def _answered(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Hand over to Casebind's process and return what it answers; TimeoutError where it does not in time."""
    spool, digest = Path(os.environ["CASEBIND_SPOOL"]), hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    key = f"{facts['federation']}-{facts['kind']}-{facts['number']}-{digest.hexdigest()[:12]}"
    answer, last = spool / "answers" / f"{key}.json", time.monotonic() + float(facts["patience_s"])
    if answer.exists() and "error" in json.loads(answer.read_text("utf-8")):
        answer.unlink()  # what failed then may not fail now
    if not answer.exists():
        write(spool / "asks", key, facts, arrays)
    while not answer.exists():
        if time.monotonic() > last:
            raise TimeoutError("It did not answer in time.")
        time.sleep(POLL_S)
    said: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    file = answer.with_suffix(".npz")
    return said, read_arrays(file) if file.exists() else {}
