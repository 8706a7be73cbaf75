"""What the coordinator's run does: it carries every exchange that Casebind asks for to the sites, and the answers back.

FOLDER/ask-N.npz, .json   what is asked: kind, sites, the fewest that must be there, patience, secure or not
FOLDER/got-N.json, .npz   which sites answered, what each said, and arrays "SITE/NAME"; or the mean alone, if secure
FOLDER/alive              touched while this runs; FOLDER/stop ends it
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp

from casebind_flower.asking import replies_of
from casebind_flower.files import POLL_S, read_arrays, write
from casebind_flower.secure import mean_of_updates

BEAT_S = 1.0

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Carry exchanges until somebody asks for the end."""
    folder = Path(str(context.run_config["folder"]))
    threading.Thread(target=_beat, args=(folder,), name="alive", daemon=True).start()
    while folder.is_dir() and not (folder / "stop").exists():
        asked = [file for file in folder.glob("ask-*.json") if not (folder / f"got-{_number(file)}.json").exists()]
        for file in sorted(asked, key=_number):
            facts, arrays = json.loads(file.read_text("utf-8")), read_arrays(file.with_suffix(".npz"))
            write(folder, f"got-{_number(file)}", *_exchange(grid, context, facts, arrays))
        time.sleep(POLL_S)


def _beat(folder: Path) -> None:
    """Show that this process lives, also while it waits for sites."""
    while folder.is_dir():
        (folder / "alive").touch()
        time.sleep(BEAT_S)


def _number(file: Path) -> int:
    return int(file.stem.rpartition("-")[2])


def _exchange(
    grid: Grid, context: Context, facts: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what the sites said, and their arrays."""
    nodes = _present(grid, facts)
    if len(nodes) < facts["fewest"]:
        return {"present": sorted(nodes.values()), "said": {}, "failed": {}}, {}
    if facts["secure"] and facts["kind"] == "learn":
        return mean_of_updates(grid, context, nodes, facts, arrays)
    state = ArrayRecord({name: Array(array) for name, array in arrays.items()})
    content = RecordDict({"state": state, "ask": ConfigRecord({"facts": json.dumps(facts)})})
    messages = [Message(content=content, dst_node_id=n, message_type="train", group_id="") for n in nodes]
    said: dict[str, Any] = {}
    failed: dict[str, str] = {}
    found: dict[str, np.ndarray] = {}
    for node, reply in replies_of(grid, messages, facts["patience_s"]).items():
        name = nodes[node]
        if reply.has_error():
            failed[name] = str(reply.error.reason)
            continue
        try:
            said[name] = json.loads(str(reply.content["about"]["facts"]))
            found |= {f"{name}/{part}": array.numpy() for part, array in reply.content["state"].items()}
        except (KeyError, ValueError, TypeError) as problem:
            failed[name] = f"It sent what is no answer ({type(problem).__name__})."
    return {"present": sorted(nodes.values()), "said": said, "failed": failed}, found


def _present(grid: Grid, facts: dict[str, Any]) -> dict[int, str]:
    """Return node → site of those that are there; wait for all, and for as long as `gather_s` at most."""
    last = time.monotonic() + facts["gather_s"]
    while True:
        nodes = {node.node_id: node.name for node in grid.get_nodes() if node.name in facts["sites"]}
        if len(nodes) == len(facts["sites"]) or time.monotonic() > last:
            return nodes
        time.sleep(POLL_S)
