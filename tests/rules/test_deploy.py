"""What a site installs is true: its units call commands that exist, and set variables that something reads."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from engine.cli import casebind
from engine.settings import ROOT

FILES = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
OF_THE_PROXY = {"CASEBIND_HOST", "CASEBIND_TLS", "CASEBIND_UPSTREAM"}  # of the Caddyfile
CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/metrics", "/readyz")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_calls_a_command_that_exists_with_options_that_it_takes(unit: Path):
    (line,) = re.findall(r"^ExecStart=(.+)$", unit.read_text("utf-8"), re.M)
    program, *words = shlex.split(line)
    assert program.startswith("/opt/casebind/current/.venv/bin/")
    if program.endswith("/python"):
        assert (ROOT / words[0]).is_file()
        return
    command: click.Command = casebind
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    with command.make_context(command.name, list(words)):
        return


def test_every_variable_of_the_files_is_read_and_documented():
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "engine").rglob("*.py"))
    documents = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    named = {name for path in FILES for name in re.findall(r"\bCASEBIND_[A-Z_]+", path.read_text("utf-8"))}
    assert len(named) > 8
    for name in sorted(named - OF_THE_PROXY):
        assert f'"{name}"' in sources and f"`{name}`" in documents, name


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_gives_no_rights_and_lets_nothing_out(unit: Path):
    lines = unit.read_text("utf-8").splitlines()
    for needed in (
        "User=casebind",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "IPAddressDeny=any",
        "SystemCallFilter=@system-service",
        "UMask=0077",
    ):
        assert needed in lines, needed


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_a_proxy_keeps_inside_what_is_of_the_machine_and_passes_no_claimed_name(name: str):
    words = (ROOT / "deploy" / name).read_text("utf-8")
    paths = words.replace("(_stcore/(metrics|agent/)|metrics|readyz)", " ".join(CLOSED))
    assert all(path in paths for path in CLOSED)
    assert words.lower().count("x-casebind-user") == words.lower().count("x-casebind-session") == 1
