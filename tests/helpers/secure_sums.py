"""Runs in Flower's environment: Flower's SecAgg+ of both sides in one process, and everything that the server was sent.

`python secure_sums.py`, with {"updates": [[…], …], "gone": [site, stage] or null} as JSON on standard input.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from typing import Any

import numpy as np
from casebind_flower import client_app
from casebind_flower.secure import mean_of_updates
from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common import bytes_to_ndarray
from flwr.supercore.task_identity import TaskIdentity

STAGES = ("setup", "share_keys", "collect_masked_vectors", "unmask")


class Wire:
    """A grid without a network: every message goes to its site's app, and what comes back is kept."""

    def __init__(self, app: ClientApp, gone: tuple[int, str] | None) -> None:
        self.app, self.gone = app, gone
        self.contexts: dict[int, Context] = {}
        self.masked: dict[int, np.ndarray] = {}

    def push_messages(self, messages: list[Message]) -> list[str]:
        """Ask every site; one that is gone from a stage on answers with an error."""
        self.replies: dict[str, Message] = {}
        for number, sent in enumerate(messages):
            message = deepcopy(sent)
            message.metadata.__dict__["_message_id"] = str(number)
            node = message.metadata.dst_node_id
            stage = str(message.content.config_records[_key(message)]["stage"])
            if self.gone and node == self.gone[0] and STAGES.index(stage) >= STAGES.index(self.gone[1]):
                self.replies[str(number)] = Message(Error(code=0, reason="gone"), reply_to=message)
                continue
            context = self.contexts.setdefault(
                node, Context(run_id=1, node_id=node, node_config={}, state=RecordDict(), run_config={})
            )
            asked.node = TaskIdentity.node_id = node
            reply = self.app(message, context)
            TaskIdentity.node_id = 0
            found = reply.content.config_records[_key(reply)]
            if "masked_params" in found:
                self.masked[node] = np.concatenate(
                    [np.atleast_1d(bytes_to_ndarray(one)).ravel() for one in found["masked_params"]]
                )
                assert not any(len(one) for one in reply.content.array_records.values())
            self.replies[str(number)] = reply
        return list(self.replies)

    def pull_messages(self, numbers: list[str]) -> list[Message]:
        """Return what was answered."""
        return [self.replies[one] for one in numbers]


def _key(message: Message) -> str:
    return next(name for name in message.content.config_records if "secagg" in name)


class asked:  # which site the app answers for
    node = 0


def main() -> None:
    """Do one exchange and print what came of it."""
    given = json.load(sys.stdin)
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 0, 1
    updates = [np.array(one, np.float32) for one in given["updates"]]
    client_app._answered = lambda facts, arrays: ({}, {"w": arrays["w"] + updates[asked.node - 1]})
    wire = Wire(client_app.app, tuple(given["gone"]) if given["gone"] else None)
    nodes = {i + 1: f"s{i}" for i in range(len(updates))}
    facts: dict[str, Any] = {"number": 1, "patience_s": 5.0, "ground": {}, "clip": given.get("clip", 0.0)}
    context = Context(run_id=1, node_id=0, node_config={}, state=RecordDict(), run_config={})
    said, mean = mean_of_updates(wire, context, nodes, facts, {"w": np.zeros(len(updates[0]), np.float32)})
    masked = {nodes[node]: one.tolist() for node, one in wire.masked.items()}
    print(json.dumps({**said, "mean": mean["w"].tolist() if mean else None, "masked": masked}))


if __name__ == "__main__":
    main()
