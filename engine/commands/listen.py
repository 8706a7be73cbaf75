"""casebind listen"""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from engine import settings
from engine.commands.shared import workspace_option
from engine.errors import UsageError


@click.command("listen")
@click.option("--conformance", is_flag=True, help="Print the conformance statement, and listen to nothing.")
@workspace_option
def command(*, conformance: bool, workspace: Path | None) -> None:
    """Take what the archive and devices send (DICOM storage), until it is stopped; docs/pacs.md says how.

    Senders, address, port and certificates stand in pacs.toml of the workspace. An object is acknowledged once it is on
    disk; the app, or `casebind inbox run`, takes it up.
    """
    from engine.store.folder import check_folder

    try:
        from engine.hospital.conformance import statement
        from engine.hospital.listener import Listener
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The package {error.name} is missing: install `casebind[pacs]` to listen for an archive."
        ) from error
    from engine.hospital.settings import listen_settings

    folder = (workspace or settings.workspace_path()).expanduser().resolve()
    check_folder(folder, create=False)
    found = listen_settings(folder)
    if conformance:
        click.echo(statement(found))
        return
    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    listener = Listener(folder, found)
    click.echo(f"{found.title} listens at {found.address}:{listener.port}; stop it with Ctrl-C.")
    ended.wait()
    listener.close()
