"""The files of a bundle by name, the same on both sides."""

from __future__ import annotations

LAYER = "layer.npz"  # the hash layer: weight, and a threshold and a map of each modality
MEANING = "meaning.json"  # what distances mean, by pair of modalities
LIMITS = "thresholds.json"  # of the quality gate, as the hospital judges
FILM_SPACE = "film_space.npz"  # what the gate compares films with; where films are coded
CARDS, CODES, PICTURES = "cards.json", "codes.npy", "pictures.npz"  # of the kept studies


def encoder_file(modality: str) -> str:
    """Return the name of a modality's encoder."""
    return f"{modality}.onnx"
