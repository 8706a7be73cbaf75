"""The models below a release's own parts: the film trunk and the sentence encoder that its encoders were trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import ReleaseError
from engine.modalities import spec_of


def _same_trunk(release: str, manifest: dict[str, Any]) -> None:
    from engine.files import sha256_of
    from engine.model.trunk import trunk_path

    if not trunk_path().is_file() or sha256_of(trunk_path()) != manifest["trunk"]["sha256"]:
        raise ReleaseError(f"The film trunk is not the one of release {release}: restore data/models/trunks.")


def _same_text_model(release: str, manifest: dict[str, Any]) -> None:
    from engine.model.text import model_name

    wanted = manifest["text_model"]["name"]
    if model_name() != wanted:
        raise ReleaseError(
            f"Release {release} reads text with {wanted}, not {model_name()}: unset CASEBIND_TEXT_MODEL, or "
            "train a release with it."
        )


CHECKS: dict[str, Callable[[str, dict[str, Any]], None]] = {"trunk": _same_trunk, "text_model": _same_text_model}


def check(release: str, manifest: dict[str, Any], modality: str) -> None:
    """Raise ReleaseError where the model below a modality's encoder is not the one that the release was trained on."""
    foundation = spec_of(modality).foundation
    if foundation:
        CHECKS[foundation](release, manifest)
