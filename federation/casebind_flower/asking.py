"""Messages to sites, and what came back of each by its site; Flower's own errors do not say whose they are."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from flwr.app import Message

POLL_S = 0.3


def replies_of(grid: Any, messages: Iterable[Message], patience_s: float) -> dict[int, Message]:
    """Send messages and return node → reply, of those that came in time; a reply may be an error."""
    sent = list(messages)
    waiting = {known: one.metadata.dst_node_id for known, one in zip(grid.push_messages(sent), sent, strict=True)}
    found: dict[int, Message] = {}
    last = time.monotonic() + patience_s
    while waiting and time.monotonic() < last:
        for reply in grid.pull_messages(list(waiting)):
            found[waiting.pop(reply.metadata.reply_to_message_id)] = reply
        if waiting:
            time.sleep(POLL_S)
    return found
