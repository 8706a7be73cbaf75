"""Whole answers to HTTP requests, and bodies of forms, in ASGI's messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

LONGEST = 10_000  # bytes of a form
WHOLE_IN_S = 10.0  # a form is here by then, or its request is not held any longer
CLOSE = (b"connection", b"close")  # of an answer to what has not come whole


async def answer(
    send: Callable[[Any], Awaitable[None]],
    status: int,
    body: bytes = b"",
    *,
    kind: bytes = b"text/plain; charset=utf-8",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole answer that no cache keeps."""
    own = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})


async def form(receive: Callable[[], Awaitable[Any]]) -> dict[str, str] | None:
    """Return the fields of a posted form, each once; None where it is too long, too slow, cut off or no form."""
    body, more = b"", True
    try:
        async with asyncio.timeout(WHOLE_IN_S):
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = bool(message.get("more_body"))
                if len(body) > LONGEST or message["type"] == "http.disconnect":
                    return None
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20))
    except (TimeoutError, ValueError):
        return None
