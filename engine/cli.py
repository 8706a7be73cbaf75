"""`casebind …`: one module per command in engine/commands, imported when it is called.

Every user error is exactly one sentence on standard error and exit status 2; a recording that the quality gate refuses
ends in status 3. Nothing heavy is imported here, so that `casebind --help` answers at once.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from weakref import WeakSet

import click

from engine import settings
from engine.errors import CasebindError
from engine.log import DEBUG_VARIABLE, trace
from engine.strings import notice
from engine.version import __version__

# name → (module below engine.commands, one line for --help)
COMMANDS = {
    "demo": ("demo", "Build the shipped workspace from data/demo."),
    "search": ("search", "Show the cases nearest to a file or a finding."),
    "rate": ("rate", "Mark a neighbour of a query as relevant, partly or irrelevant."),
    "ratings": ("ratings", "Export and import ratings, so that sites can pool them."),
    "round": ("round", "Learn a release from the ratings, and show what it changes."),
    "adapt": ("adapt", "Bind the workspace's own pairs in a new release, and show what it changes."),
    "pairs": ("pairs", "Count the studies of one visit that an adaptation may learn from."),
    "releases": ("releases", "List releases, promote a round's, go back to one."),
    "users": ("users", "Add, list and close accounts of people who sign in."),
    "policy": ("policy", "Check who may see and do what; say what was agreed on a cohort."),
    "consent": ("consent", "Withdraw and restore the consent of patients; list what is withdrawn."),
    "erase": ("erase", "Erase a patient or a query from every file, with a certificate."),
    "unlearn": ("unlearn", "Learn anew without a patient, and show that nothing is left of them."),
    "encrypt": ("encrypt", "Encrypt what the workspace holds of studies and queries."),
    "audit": ("audit", "Seal, verify and export what everybody did."),
    "retain": ("retain", "Delete uploads whose time is over; for a daily timer."),
    "monitor": ("monitor", "Look for drift in what is asked; show and acknowledge alarms."),
    "backup": ("backup", "Make a backup, while the app runs; for a nightly timer."),
    "restore": ("restore", "Restore a backup into a new folder, without who was erased."),
    "study": ("study", "Plan, export and analyse a reader study: do neighbours help?"),
    "maker-link": ("maker_link", "Print a new maker's link of a quiz, collection or reader study."),
    "explain": ("explain", "Draw which regions made a query and a match similar."),
    "export": ("export", "Write the nearest cases of a query as PDF, PNG, CSV or DICOM."),
    "fetch": ("fetch", "Download an open data set from its publisher, and take it in."),
    "ingest": ("ingest", "Take a manifest or a data set's folder into the workspace."),
    "wearable": ("wearable", "Take a wearable's whole export in as one person's studies."),
    "pacs": ("pacs", "Find studies in the hospital's archive and fetch them."),
    "listen": ("listen", "Take what the archive and devices send (DICOM storage)."),
    "inbox": ("inbox", "Take up what was sent; list it, try again what stays out."),
    "reidentification": ("reidentification", "Make the officer's keys; open what pseudonyms stand for."),
    "encode": ("encode", "Write embeddings and codes of a manifest to a file."),
    "reindex": ("reindex", "Encode the workspace again with the installed release."),
    "edge": ("edge", "Make what a small device needs to search without PyTorch."),
    "cluster": ("cluster", "Choose where the codes are searched: here, on Ray, on PostgreSQL."),
    "doctor": ("doctor", "Say what is installed and whether it all loads."),
    "simulate": ("simulate", "Draw a hospital's visits, to try adaptation on."),
    "federate": ("federate", "Let hospitals learn one hash function together."),
    "train": ("train", "Train encoders, binding or hashing."),
    "evaluate": ("evaluate", "Measure a release on the open recordings."),
    "transparency": ("transparency", "Write a release's transparency report, signed."),
    "bench": ("bench", "Time search, query path and ingest; check living data."),
}
# A link in the place of the log is not followed.
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
UNEXPECTED, INTERRUPTED = 1, 130  # exit statuses beside those of engine.errors
_known: WeakSet[click.Command] = WeakSet()  # commands that take each option once


class Casebind(click.Group):
    """The group whose commands are imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which --help shows them."""
        return [name for name, (module, _) in COMMANDS.items() if _present(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"engine.commands.{COMMANDS[cmd_name][0]}").command
        return given_once(command)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and the notice."""
        super().format_help_text(ctx, formatter)
        with formatter.indentation():
            formatter.write_text(f"{notice()}.")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Casebind, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="casebind")
def casebind() -> None:
    """Show cases like this one, across ECG, PPG, chest films and text."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    gc.set_threshold(20_000, 20, 100)  # what is imported stays: looking through it is a tenth of a short command
    if not os.environ.get(DEBUG_VARIABLE):
        _silence_libraries()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    try:
        status = casebind.main(arguments, prog_name="casebind", standalone_mode=False, obj=tuple(arguments))
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message())
        return 0
    except click.ClickException as error:
        _say(_with_help(error))
        return 2
    except CasebindError as error:
        _say(str(error))
        return error.exit_status
    except (KeyboardInterrupt, click.exceptions.Abort):
        _say("Stopped; what was finished is kept, and the same command goes on from there.")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        _say(_unexpected(error))
        return UNEXPECTED


def given_once(command: click.Command) -> click.Command:
    """Have a command, and every one below it, take each option once unless it may be repeated; return the command."""
    if command in _known:
        return command
    _known.add(command)
    make_parser = command.make_parser

    def checked_parser(ctx: click.Context) -> Any:
        parser = make_parser(ctx)
        parse_args = parser.parse_args

        def parse(args: list[str]) -> tuple[dict[str, Any], list[str], list[click.Parameter]]:
            values, left, order = parse_args(args)
            _check_once(order, ctx)
            return values, left, order

        parser.parse_args = parse  # type: ignore[method-assign]
        return parser

    command.make_parser = checked_parser  # type: ignore[method-assign]
    if isinstance(command, click.Group):
        get_command = command.get_command

        def get_checked(ctx: click.Context, cmd_name: str) -> click.Command | None:
            found = get_command(ctx, cmd_name)
            return None if found is None else given_once(found)

        command.get_command = get_checked  # type: ignore[method-assign]
    return command


def takes_one(option: click.Option) -> bool:
    """Return whether a second value of an option would take the place of the first."""
    return not option.multiple and not option.count and bool(not option.is_flag or option.secondary_opts)


def _check_once(order: list[click.Parameter], ctx: click.Context) -> None:
    for option, times in Counter(order).items():
        if times > 1 and isinstance(option, click.Option) and takes_one(option):
            name = "/".join((*option.opts, *option.secondary_opts))
            raise click.UsageError(f"The option {name} is given {times} times and takes one value", ctx)


def _present(module: str) -> bool:
    return (Path(__file__).parent / "commands" / f"{module}.py").is_file()


def _silence_libraries() -> None:
    """Keep library warnings off standard error, which holds one sentence or nothing."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)


def _say(sentence: str) -> None:
    click.echo(" ".join(sentence.split()), err=True)


def _with_help(error: click.ClickException) -> str:
    """Return click's message as one sentence that names the way on."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "casebind"
    return f"{message}: see `{path} --help`."


def _unexpected(error: Exception) -> str:
    """Write the traceback, without messages, to a log file; return the sentence that names it."""
    folder = settings.workspace_path()
    summary = f"Casebind stopped on an unexpected {type(error).__name__}"
    try:
        file = (folder if folder.is_dir() else settings.state_path()) / "casebind-errors.log"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, LOG_FLAGS, 0o600), "a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {trace(error)}\n")
    except (OSError, RuntimeError):  # not writable, or a user without a home
        return f"{summary}: run it again with {DEBUG_VARIABLE}=1 to see the details."
    return f"{summary}: the details are in {file}, and {DEBUG_VARIABLE}=1 shows them."


if __name__ == "__main__":
    main()
