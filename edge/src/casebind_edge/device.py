"""A device's folder: its key, and the bundle that a hospital built for it.

key                 the device's own, for its owner alone
bundle/             as `casebind edge build` wrote it, checked whenever it is opened
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engine.edge import signed
from engine.edge.parts import CARDS, CODES, FILM_SPACE, LAYER, LIMITS, MEANING, PICTURES, encoder_file
from engine.errors import UsageError
from engine.files import utc_now, write_whole
from engine.model.session import EncoderSession, session_of

VARIABLE = "CASEBIND_EDGE_HOME"
KEY, BUNDLE = "key", "bundle"
PARTIAL, BEFORE = f".{BUNDLE}.part", f".{BUNDLE}.before"  # while one takes the place of another
SKEW = timedelta(days=1)  # by which a device's clock may be behind the hospital's


def home_path(given: Path | None = None) -> Path:
    """Return the device's folder: as given, or CASEBIND_EDGE_HOME, or in the user's own folder."""
    named = os.environ.get(VARIABLE)
    return given or (Path(named).expanduser() if named else Path.home() / ".casebind-edge")


def install(bundle: Path, key: Path | None, home: Path) -> dict[str, Any]:
    """Take a bundle into the device's folder, checked, whole or not at all; return its manifest.

    key : the file of the device's key; None where the folder has it already
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = signed.device_key(key if key is not None else home / KEY)
    manifest = signed.opened(bundle, secret)
    if key is not None and key.resolve() != (home / KEY).resolve():
        write_whole(home / KEY, secret.hex() + "\n", mode=0o600)
    partial = room_beside(home)
    shutil.copytree(bundle, partial)
    signed.opened(partial, secret)
    put_in_place(home)
    return manifest


def room_beside(home: Path) -> Path:
    """Return where the next bundle is made, empty; what an interrupted exchange left is deleted or put back first."""
    partial, place, before = (home / name for name in (PARTIAL, BUNDLE, BEFORE))
    if before.is_dir() and not place.is_dir():
        before.rename(place)  # it was interrupted between two renames
    for rest in (partial, before):
        shutil.rmtree(rest, ignore_errors=True)
    return partial


def put_in_place(home: Path) -> None:
    """Make the finished bundle the device's own; the earlier one goes first aside, then away."""
    partial, place, before = (home / name for name in (PARTIAL, BUNDLE, BEFORE))
    if place.exists():
        place.rename(before)
    partial.rename(place)
    shutil.rmtree(before, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class Device:
    """An opened bundle.

    now : the present, naive UTC, as the cards' days are
    """

    home: Path
    manifest: dict[str, Any]
    now: datetime

    @property
    def folder(self) -> Path:
        """Return the bundle's folder."""
        return self.home / BUNDLE

    @property
    def release(self) -> str:
        """Return the release that codes are of, with its precision where that is not the full one."""
        precision = self.manifest["precision"]
        return str(self.manifest["release"]) + ("" if precision == "float32" else f"+{precision}")

    def encoder(self, modality: str) -> EncoderSession:
        """Return an encoder; UsageError where the bundle has none for the modality."""
        if modality not in self.manifest["encoders"]:
            known = ", ".join(self.manifest["encoders"]) or "none"
            raise UsageError(
                f"This device's bundle has no encoder for {modality} (it has {known}): build it with --modality "
                f"{modality}, or search where Casebind is installed as a whole."
            )
        if modality not in self.opened:
            self.opened[modality] = session_of(self.folder / encoder_file(modality))
        return self.opened[modality]

    @cached_property
    def opened(self) -> dict[str, EncoderSession]:
        """Return the encoders that are open."""
        return {}

    @cached_property
    def layer(self) -> dict[str, np.ndarray]:
        """Return the arrays of the hash layer."""
        with np.load(self.folder / LAYER) as arrays:
            return dict(arrays)

    @cached_property
    def meaning(self) -> dict[str, Any]:
        """Return what distances mean, by pair of modalities."""
        found: dict[str, Any] = json.loads((self.folder / MEANING).read_text("utf-8"))
        return found

    @cached_property
    def cards(self) -> list[dict[str, Any]]:
        """Return the cards of the kept studies, in the order of their codes."""
        found: list[dict[str, Any]] = json.loads((self.folder / CARDS).read_text("utf-8"))
        return found

    @cached_property
    def codes(self) -> np.ndarray:
        """Return the codes of the kept studies, (n, 32) uint8."""
        found: np.ndarray = np.load(self.folder / CODES)
        return found

    def picture(self, study_id: str) -> np.ndarray | None:
        """Return the small picture of a kept study, uint8, (columns,) of a trace or (side, side) of a film."""
        with np.load(self.folder / PICTURES) as pictures:
            found: np.ndarray | None = pictures.get(study_id)
            return found

    def is_valid(self, card: dict[str, Any]) -> bool:
        """Return whether a card may still be shown; not where the clock stands before the bundle was made."""
        made = datetime.fromisoformat(self.manifest["made_at"])
        return made - SKEW <= self.now <= datetime.fromisoformat(card["valid_until"])

    def use_limits(self) -> None:
        """Have the quality gate judge by the limits of the hospital that built the bundle."""
        os.environ["CASEBIND_THRESHOLDS"] = str(self.folder / LIMITS)
        if (self.folder / FILM_SPACE).is_file():
            os.environ["CASEBIND_FILM_SPACE"] = str(self.folder / FILM_SPACE)


def open_device(home: Path) -> Device:
    """Open the device's folder; UsageError where nothing is installed, or a part is not as it was signed."""
    if not (home / BUNDLE).is_dir() and (home / BEFORE).is_dir():
        (home / BEFORE).rename(home / BUNDLE)  # an exchange was interrupted between two renames
    if not (home / BUNDLE).is_dir():
        raise UsageError(
            f"There is no bundle in {home}: take one with `casebind-edge install DIR --key FILE`, which `casebind edge "
            "build` writes."
        )
    return Device(home, signed.opened(home / BUNDLE, signed.device_key(home / KEY)), utc_now())
