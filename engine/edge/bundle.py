"""`casebind edge build`: a release and a workspace → the signed folder that a device searches by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.actor import Actor
from engine.edge import signed
from engine.edge.cache import Cache, CachePolicy, cache_of
from engine.edge.coding import code_of, layer_arrays, meaning_of
from engine.edge.onnx_export import PRECISIONS, Precision, export
from engine.edge.parts import FILM_SPACE, LAYER, LIMITS, MEANING, encoder_file
from engine.errors import UsageError
from engine.files import utc_now, write_whole
from engine.intake.quality.film_space import load_space, space_arrays
from engine.intake.quality.verdict import SHIPPED, gate_digest
from engine.model.exported import EXPORTED
from engine.model.release import Release
from engine.model.session import session_of
from engine.settings import thresholds_path
from engine.strings import notice
from engine.workspace.workspace import Workspace

UNASKED = ("ppg", "ecg")  # encoders of a bundle where none is named; that of films takes more room than all else
CHECKED = 20  # studies whose codes are compared with the full encoder's, of each modality


@dataclass(frozen=True)
class BundleOptions:
    """What a bundle is made for: a device by name, the modalities that it codes, weights, and the studies it keeps."""

    device: str = "device"
    modalities: tuple[str, ...] = UNASKED
    precision: Precision = "int8"
    cache: CachePolicy = field(default_factory=CachePolicy)

    def __post_init__(self) -> None:
        unknown = [one for one in self.modalities if one not in EXPORTED]
        if unknown:
            raise UsageError(f"No bundle is made for {unknown[0]}: use {', '.join(EXPORTED)}.")
        if self.precision not in PRECISIONS:
            raise UsageError(f"There are no weights of {self.precision}: use {' or '.join(PRECISIONS)}.")


def build(
    workspace: Workspace,
    release: Release,
    out: Path,
    key: bytes,
    *,
    options: BundleOptions,
    actor: Actor,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write a bundle, whole or not at all, in the place of an earlier one; return its manifest.

    release : the one whose codes the workspace is searched by
    say     : told what is being made
    """
    now = utc_now()
    partial = out.with_name(f".{out.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    say("studies to keep")
    cache = cache_of(workspace, release, options.cache, now, actor=actor)
    for name, data in cache.files().items():
        write_whole(partial / name, data)
    np.savez(partial / LAYER, allow_pickle=False, **layer_arrays(release))
    write_whole(partial / MEANING, json.dumps(meaning_of(release)) + "\n")
    write_whole(partial / LIMITS, (thresholds_path() or SHIPPED).read_bytes())
    if "cxr" in options.modalities:
        np.savez(partial / FILM_SPACE, allow_pickle=False, **space_arrays(load_space()))
    encoders = {}
    for modality in options.modalities:
        release.check(modality)
        say(f"encoder of {modality}")
        export(release, modality, partial / encoder_file(modality), options.precision)
        encoders[modality] = _checked(workspace, release, partial, modality, cache)
    said = _said(release, options, cache, now) | {"encoders": encoders}
    manifest = signed.seal(partial, said, key)
    kept = [str(card["study_id"]) for card in cache.cards]
    about = f"bundle for the device {options.device}"
    workspace.audit("export", actor=actor, release=release.name, returned=kept, filters=about)
    _put_in_place(partial, out)
    return manifest


def _said(release: Release, options: BundleOptions, cache: Cache, now: datetime) -> dict[str, Any]:
    return {
        "device": options.device,
        "made_at": now.isoformat(timespec="seconds"),
        "release": release.name,
        "digest": release.digest,
        "precision": options.precision,
        "gate": gate_digest(),
        "notice": notice(),
        "studies": {kind: sum(c["modality"] == kind for c in cache.cards) for kind in ("cxr", "ecg", "ppg")},
        "valid_days": options.cache.valid_days,
    }


def _checked(workspace: Workspace, release: Release, folder: Path, modality: str, cache: Cache) -> dict[str, Any]:
    """Return in how many bits the exported encoder's codes of some kept studies differ from the stored ones."""
    with np.load(folder / LAYER) as arrays:
        layer = dict(arrays)
    session = session_of(folder / encoder_file(modality))
    places = [place for place, card in enumerate(cache.cards) if card["modality"] == modality]
    changed = []
    for place in _spread(places):
        study = workspace.study_of(workspace.all_rows([str(cache.cards[place]["study_id"])])[0])
        code = code_of(session.embedding(release.inputs(study)), layer, modality)
        changed.append(int(np.unpackbits(code ^ cache.codes[place]).sum()))
    bits = {"median": float(np.median(changed)), "most": max(changed)} if changed else {"median": None, "most": None}
    return {"checked": len(changed), "bits_changed": bits}


def _spread(places: Sequence[int]) -> list[int]:
    """Return at most CHECKED of some places, evenly from the first to the last."""
    if len(places) <= CHECKED:
        return list(places)
    return [places[i] for i in np.linspace(0, len(places) - 1, CHECKED).round().astype(int)]


def _put_in_place(partial: Path, out: Path) -> None:
    """Make a finished folder the bundle; the earlier one goes first aside, then away."""
    before = out.with_name(f".{out.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    if out.exists():
        out.rename(before)
    partial.rename(out)
    shutil.rmtree(before, ignore_errors=True)
