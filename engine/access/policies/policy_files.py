"""Policy files: the start set of Casebind, or the folder `policies/` of a workspace; checked against the schema.

Cedar (https://www.cedarpolicy.com) denies what nothing permits, and a `forbid` goes before every `permit`. It skips a
policy that fails while it decides, so that a misspelt attribute in a `forbid` would open what it closes: here nothing
is decided by a set that does not fit the schema.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import cedarpy

from engine.store.rule import ACTS, Act

FOLDER, SUFFIX = "policies", ".cedar"


@dataclass(frozen=True)
class LoadedPolicies:
    """A set of policies that was read.

    digest   : SHA-256 of its text
    problems : what is wrong with it, one sentence each; then it decides nothing
    names    : policy number of Cedar → its name (@id)
    handle   : parsed; None where it cannot be
    unnamed  : the acts that no policy permits anybody, such as those that came with a newer version
    """

    digest: str
    problems: tuple[str, ...]
    names: dict[str, str]
    handle: Any
    unnamed: tuple[Act, ...] = ()

    @property
    def remark(self) -> str:
        """One sentence on the acts that no policy permits; "" where each is permitted to somebody."""
        if not self.unnamed:
            return ""
        return (
            f"No policy permits {', '.join(self.unnamed)}, so nobody with an account may: where that is not meant, take"
            " the policies for it from `casebind policy show`."
        )


def schema_text() -> str:
    """Return what policies may speak of, in Cedar's schema language."""
    return (resources.files(__package__) / "schema.cedarschema").read_text(encoding="utf-8")


@cache
def schema() -> Any:
    """Return the schema, parsed."""
    return cedarpy.Schema.from_str(schema_text())


def start_text() -> str:
    """Return the shipped start set."""
    return (resources.files(__package__) / "start.cedar").read_text(encoding="utf-8")


def files_of(folder: Path) -> list[Path]:
    """Return the policy files of a workspace's folder in the order of their names; none where the start set counts."""
    return sorted((folder / FOLDER).glob(f"*{SUFFIX}"))


def stamp_of(home: str) -> tuple[tuple[str, int, int, int], ...]:
    """Return what is another as soon as a policy file is: name, time, size and number of each, in order.

    home : the folder of the policies. Looked at before every answer, so one pass over the folder has to do.
    """
    try:
        with os.scandir(home) as entries:
            found = [(one.name, one.stat()) for one in entries if one.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return ()
    return tuple(sorted((name, one.st_mtime_ns, one.st_size, one.st_ino) for name, one in found))


def text_of(folder: Path) -> str:
    """Return the policies that count in a workspace's folder."""
    files = files_of(folder)
    return "\n".join(one.read_text(encoding="utf-8") for one in files) if files else start_text()


def parsed(words: str) -> LoadedPolicies:
    """Return a set of policies with what is wrong with it: syntax, or a name that the schema does not have."""
    digest = sha256(words.encode()).hexdigest()
    try:
        names = _names(words)
        found = cedarpy.validate_policies(words, schema_text())
        handle = cedarpy.PolicySet.from_str(words)
    except ValueError as problem:
        return LoadedPolicies(digest, (f"The policies cannot be read: {problem}.",), {}, None)
    problems = tuple(_named(one.error, one.policy_id, names) for one in found.errors)
    return LoadedPolicies(digest, problems, names, None if problems else handle, () if problems else _unnamed(words))


def _names(words: str) -> dict[str, str]:
    return {number: one.get("annotations", {}).get("id", number) for number, one in _stored(words).items()}


def _unnamed(words: str) -> tuple[Act, ...]:
    """Return the acts that stand in no `permit`."""
    scopes = [one["action"] for one in _stored(words).values() if one["effect"] == "permit"]
    if any(scope["op"] == "All" for scope in scopes):
        return ()
    named = {one["id"] for scope in scopes for one in (*scope.get("entities", ()), scope.get("entity", {"id": ""}))}
    return tuple(act for act in ACTS if act not in named)


def _stored(words: str) -> dict[str, Any]:
    """Return policy number → its JSON form."""
    return dict(json.loads(cedarpy.policies_to_json_str(words))["staticPolicies"])


def _named(problem: str, policy_id: str, names: dict[str, str]) -> str:
    """Return a problem of the check as a sentence that names the policy as its author does."""
    problem = problem.removeprefix(f"for policy `{policy_id}`, ")
    return f"In the policy “{names.get(policy_id, policy_id)}”: {problem}."
