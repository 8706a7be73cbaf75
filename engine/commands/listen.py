"""casebind listen"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.shared import archive_workspace, workspace_option
from engine.errors import UsageError
from engine.log import DEBUG_VARIABLE, own_troubles_said

if TYPE_CHECKING:
    from engine.hospital.listener import Listener
    from engine.hospital.settings import ListenSettings


@click.command("listen")
@click.option("--conformance", is_flag=True, help="Print the conformance statement, and listen to nothing.")
@workspace_option
def command(*, conformance: bool, workspace: Path | None) -> None:
    """Take what is sent (DICOM storage, reports by HL7) or put into a folder, until it is stopped.

    Senders, address, port and certificates stand in pacs.toml of the workspace (docs/pacs.md, docs/reports-in.md), and
    so does the folder that is watched (docs/watched-folder.md). What comes is acknowledged, and a file leaves the
    folder, once it is on disk here; the app, or `casebind inbox run`, takes it up.
    """
    from engine.hospital.mllp import ReportListener
    from engine.hospital.settings import folder_settings, listen_settings, report_settings

    folder = archive_workspace(workspace)
    if conformance:
        click.echo(_conformance(folder))
        return
    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    watched, found, reports = folder_settings(folder), listen_settings(folder), report_settings(folder)
    with ExitStack() as stack:
        if not os.environ.get(DEBUG_VARIABLE):
            stack.enter_context(own_troubles_said())
        if watched is not None:
            from engine.hospital.watched_folder import WatchedFolder

            watching = WatchedFolder(folder, watched)
            stack.callback(watching.close)
        if reports.senders:
            hearing = ReportListener(folder, reports)
            stack.callback(hearing.close)
            click.echo(f"HL7 reports are taken at {reports.address}:{hearing.port}; stop it with Ctrl-C.")
        if found.senders or (watched is None and not reports.senders):
            listener = _listener(folder, found)
            stack.callback(listener.close)
            click.echo(f"{found.title} listens at {found.address}:{listener.port}; stop it with Ctrl-C.")
        if watched is None:
            ended.wait()
        else:
            click.echo(f"The folder {watched.path} is watched; stop it with Ctrl-C.")
            watching.watch(ended)


def _conformance(folder: Path) -> str:
    from engine.hospital.settings import listen_settings, peer_of

    try:
        from engine.hospital.conformance import statement
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return statement(listen_settings(folder), peer_of(folder))


def _listener(folder: Path, found: ListenSettings) -> Listener:
    try:
        from engine.hospital.listener import Listener
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return Listener(folder, found)


def _missing(error: ModuleNotFoundError) -> UsageError:
    return UsageError(f"The package {error.name} is missing: install `casebind[pacs]` to listen for an archive.")
