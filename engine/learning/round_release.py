"""The release that a round made: its own folder in the workspace, with the parts it changed.

    <workspace>/releases/r2.1/   manifest.json, heads.safetensors, hash.safetensors, calibration.json; adapted towers

Encoders are those of the release it is based on, found there by their hashes. A folder appears whole or not at all, and
a name is given once: codes say which release made them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import WorkspaceError
from engine.files import sha256_of, sync
from engine.model.release import Release, load_release, releases

if TYPE_CHECKING:
    from engine.learning.fit import FittedRound

FOLDER = "releases"
OWN = ("heads.safetensors", "hash.safetensors", "calibration.json")  # parts that every round writes
TAKEN = "names.txt"  # names that were given, also of releases that are gone
Adapters = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]  # part of a tower → modality → its weights


def releases_folder(workspace: Path) -> Path:
    """Return where a workspace keeps its own releases."""
    return workspace / FOLDER


def round_releases(workspace: Path) -> list[Release]:
    """Return the workspace's own releases, oldest first."""
    found = [load_release(path) for path in releases(releases_folder(workspace))]
    return sorted(found, key=lambda one: (one.manifest["round"]["number"], one.name))


def next_name(workspace: Path, base: str) -> str:
    """Return a name that was never given, such as r2.3 for the third round on r2."""
    return f"{base}.{1 + max((_number(name, base) for name in _given(workspace)), default=0)}"


def write(
    workspace: Path,
    base: Release,
    name: str,
    fitted: FittedRound,
    *,
    calibration: dict[str, Any],
    about: dict[str, Any],
    adapters: Adapters | None = None,
) -> Release:
    """Write a round's release and return it, loaded. Raises WorkspaceError where the name is taken or the disk full.

    base  : the release that the round began with, itself perhaps a round's
    about : of the round, as plain JSON; recorded under "round" in the manifest
    adapters : those that were learnt anew; their towers are then parts of this release
    """
    home = releases_folder(workspace) / name
    temporary = home.with_name(f".{secrets.token_hex(6)}")
    try:
        if home.exists():
            raise WorkspaceError(f"There is a release {name} in the workspace already: begin the round again.")
        temporary.mkdir(parents=True)
        _parts(temporary, fitted, calibration)
        _towers(temporary, base, adapters or {})
        manifest = _manifest(temporary, base, name, about)
        (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
        for file in temporary.iterdir():
            sync(file)
        with (home.parent / TAKEN).open("a", encoding="utf-8") as names:
            names.write(f"{name}\n")
        os.replace(temporary, home)
        sync(home.parent)
    except OSError as error:
        raise WorkspaceError(f"The release {name} could not be written ({error.strerror}): free some disk.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return load_release(home)


def _parts(home: Path, fitted: FittedRound, calibration: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    heads = {m: np.ascontiguousarray(head, np.float32) for m, head in fitted.heads.items()}
    save_file(heads, home / "heads.safetensors")
    layer = {"weight": fitted.weight, "threshold": fitted.threshold}
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in layer.items()}, home / "hash.safetensors")
    (home / "calibration.json").write_text(json.dumps(calibration), "utf-8")


def _towers(home: Path, base: Release, adapters: Adapters) -> None:
    """Write the towers that are adapted: those of the base, with what their new adapters weigh."""
    from safetensors.numpy import load_file, save_file

    for modality in dict.fromkeys(kind for found in adapters.values() for kind in found):
        state = load_file(base.part(f"{modality}.safetensors"))
        for part, found in adapters.items():
            if modality in found:
                state = {name: array for name, array in state.items() if not name.startswith(f"{part}.")}
                weights = found[modality].items()
                state |= {f"{part}.{name}": np.ascontiguousarray(array, np.float32) for name, array in weights}
        save_file(state, home / f"{modality}.safetensors")


def _manifest(home: Path, base: Release, name: str, about: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest: what was not changed stays as the base says, figures of the base are not the round's."""
    kept = {file: sha for file, sha in base.manifest["parts"].items() if file not in ("heads.safetensors",)}
    own = {file.name: sha256_of(file) for file in sorted(home.iterdir())}
    numbered = {"number": _number(name, base.base), "from": base.name, "from_digest": base.digest, **about}
    return {
        **base.manifest,
        "name": name,
        "base": base.base,
        "created": f"{datetime.now(UTC):%Y-%m-%d}",
        "parts": {**kept, **own},
        "held_by": {**base.manifest.get("held_by", {}), **{file: name for file in own if file not in OWN}},
        "figures": {},
        "round": numbered,
    }


def _given(workspace: Path) -> list[str]:
    """Return all names that were given; a temporary folder has none."""
    names = releases_folder(workspace) / TAKEN
    there = [path.name for path in releases(releases_folder(workspace))]
    return there + (names.read_text("utf-8").split() if names.is_file() else [])


def _number(name: str, base: str) -> int:
    found = re.fullmatch(rf"{re.escape(base)}\.(\d+)", name)
    return int(found[1]) if found else 0
