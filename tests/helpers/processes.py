"""Processes that a test or what it tries has started; one that ends between two looks is no error."""

from __future__ import annotations

from contextlib import suppress

import psutil


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return the living children of a process; none of one that has ended."""
    with suppress(psutil.NoSuchProcess):
        return [one for one in process.children() if lives(one)]
    return []


def lives(process: psutil.Process) -> bool:
    """Return whether a process runs; False for one that ended between two looks, or that nobody has waited for."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def command_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty for one that ended between two looks."""
    with suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []
