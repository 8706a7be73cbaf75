"""`flwr-clientapp` of a site: it runs the site's own copy of the app. What the coordinator sends is not unpacked."""

from __future__ import annotations

from typing import Any

from flwr.supernode.cli.flwr_clientapp import flwr_clientapp
from flwr.supernode.runtime import run_clientapp


def _own(**_: Any) -> Any:
    """Return a loader of the site's own app, in the place of the one for the code that was sent."""

    def load(*_: Any) -> Any:
        from casebind_flower.client_app import app

        return app

    return load


if __name__ == "__main__":
    run_clientapp.install_from_fab = lambda *_, **__: None
    run_clientapp.get_load_client_app_fn = _own
    flwr_clientapp()
