"""An option that takes one value is not given twice in silence; one that may be repeated adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from helpers.accounts import users

from engine.cli import COMMANDS, casebind, takes_one

LISTS = {"R[,R]", "M[,M]"}  # what stands for several values


def options(command: click.Command, path: str) -> Iterator[tuple[str, click.Option]]:
    """Yield the options of a command and of those below it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (found := command.get_command(context, name)) is not None:
                yield from options(found, f"{path} {name}")
    yield from ((path, one) for one in command.params if isinstance(one, click.Option))


def test_roles_and_projects_add_up(tmp_path: Path) -> None:
    place = ("--workspace", str(tmp_path))
    users("add", "ann", "--role", "rater", "--role", "teacher,clinician", *place)
    users("add", "bob", "--role", "rater", "--attribute", "project=a", "--attribute", "project=b", *place)
    ann, bob = json.loads(users("list", "--json", *place))
    assert set(ann["roles"]) == {"rater", "teacher", "clinician"}
    assert bob["attributes"] == {"project": "a,b"}
    users("roles", "bob", "--role", "learner", "--role", "curator", *place)
    assert set(json.loads(users("list", "--json", *place))[1]["roles"]) == {"learner", "curator"}


@pytest.mark.parametrize(
    "words",
    [
        ("users", "add", "ann", "--role", "rater", "--attribute", "department=a", "--attribute", "department=b"),
        ("users", "list", "--workspace", "elsewhere"),
        ("policy", "agree", "ward", "--project", "a", "--project", "b"),
        ("search", "--k", "3", "--k", "4", "fever"),
        ("search", "--synthetic", "--recorded", "fever"),
        ("bench", "policies", "--n", "3", "--n", "4"),
    ],
)
def test_one_value_given_twice_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(casebind, [*words, *(() if words[0] == "bench" else ("--workspace", str(tmp_path)))])
    assert done.exit_code != 0
    said = done.output + str(done.exception)
    assert "times and takes one value" in said or "has one value: give it once" in said
    assert not any(tmp_path.iterdir()) or words[:2] == ("users", "add")


def test_every_command_is_held_to_it() -> None:
    """No option that names several values in its help takes the last of them alone."""
    context = click.Context(casebind)
    found = [
        one for name in COMMANDS if (command := casebind.get_command(context, name)) for one in options(command, name)
    ]
    assert len(found) > 200
    wrong = [
        f"{path} {one.opts[0]}"
        for path, one in found
        if takes_one(one) and (one.metavar in LISTS or "repeated" in (one.help or ""))
    ]
    assert wrong == []
