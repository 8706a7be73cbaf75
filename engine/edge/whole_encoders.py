"""`casebind releases onnx`: a shipped release's encoders for ONNX Runtime, in the user's own folder.

They are exact (float32). Each is compared with PyTorch on studies of the shipped cohort before it is put in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.edge.onnx_export import export
from engine.errors import UsageError
from engine.files import sha256_of, write_whole
from engine.intake.quality.judge import choose_window
from engine.model.exported import EXPORTED, encoder_path, threads, what_was_checked
from engine.model.release import Release
from engine.model.session import session_of
from engine.settings import DEMO, MODELS
from engine.workspace.manifest import read_manifest

CHECKED = 20  # studies of each modality
NO_KEY = bytes(32)  # for pseudonyms, of which shipped studies have none


@dataclass(frozen=True)
class WholeEncoder:
    """One exported encoder: its file, of how many studies codes were compared, how many of all their bits differed.

    made : whether it was made now; it was there before otherwise
    """

    modality: str
    file: Path
    checked: int
    bits_changed: int
    made: bool


def export_whole(
    release: Release, modalities: Sequence[str] = EXPORTED, say: Callable[[str], None] = lambda _: None
) -> list[WholeEncoder]:
    """Export what is not there yet, each whole or not at all; `say` is told which modality is being made.

    Raises UsageError for an encoder that a workspace adapted: it holds what was learnt of its patients and stays there.
    """
    return [_exported(release, modality, say) for modality in modalities]


def _exported(release: Release, modality: str, say: Callable[[str], None]) -> WholeEncoder:
    release.check(modality)
    if release.part(f"{modality}.safetensors").parent != MODELS / release.base:
        raise UsageError(
            f"The encoder of {modality} in release {release.name} was adapted here, and only shipped ones are exported:"
            " searches go on with PyTorch."
        )
    file = encoder_path(modality, release.encoder(modality))
    known = what_was_checked(file)
    if known is not None:
        return WholeEncoder(modality, file, known["checked"], known["bits_changed"], made=False)
    say(modality)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    export(release, modality, partial, "float32")
    checked, bits = _compared(release, modality, partial)
    said = {"modality": modality, "digest": release.encoder(modality), "checked": checked, "bits_changed": bits}
    write_whole(file.with_suffix(".json"), json.dumps({**said, "sha256": sha256_of(partial)}) + "\n")
    partial.rename(file)
    return WholeEncoder(modality, file, checked, bits, made=True)


def _compared(release: Release, modality: str, file: Path) -> tuple[int, int]:
    """Return of how many shipped studies codes were compared, and in how many of all their bits they differ."""
    entries = [entry for entry in read_manifest(DEMO) if entry.study_id.endswith(f"-{modality}")]
    chosen = [entries[i] for i in np.unique(np.linspace(0, len(entries) - 1, CHECKED).round().astype(int))]
    studies = [choose_window(entry.load(NO_KEY)) for entry in chosen]
    session = session_of(file, threads=threads())
    exact = np.stack([session.embedding(release.inputs(study)) for study in studies])
    differ = release.codes(exact, modality) ^ release.codes(release.embed(studies), modality)
    return len(studies), int(np.bitwise_count(differ).sum())
