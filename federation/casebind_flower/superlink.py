"""Flower's SuperLink, behind a door: other machines reach what sites need, and nothing that starts runs.

Flower serves sites, runs and control on one port and leaves control open unless accounts are set up, so whoever reaches
it could run code here and at every site. Requests from other machines pass for `/v1/fleet`, which asks for a key.
"""

from __future__ import annotations

from typing import Any

from flwr.superlink import extensions
from flwr.superlink.cli.flower_superlink import flower_superlink
from starlette.middleware import Middleware

from casebind_flower.parent import end_with_parent

FOR_ALL = ("/v1/fleet/",)
THIS_MACHINE = ("127.0.0.1", "::1")


class Door:
    """Answers 403 to other machines, unless they ask what sites ask (ASGI middleware)."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        own = (scope.get("client") or ("",))[0] in THIS_MACHINE
        if scope["type"] == "lifespan" or own or scope["path"].startswith(FOR_ALL):
            await self.app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    end_with_parent()
    known = extensions.get_middleware
    extensions.get_middleware = lambda: (Middleware(Door), *known())
    flower_superlink()
