"""What a film is asked to show, as the numbers the generator reads: labels, view, age, sex, and how it was moved."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LABELS = (
    "No Finding",
    "Cardiomegaly",
    "Pleural Effusion",
    "Edema",
    "Pneumonia",
    "Lung Opacity",
    "Consolidation",
    "Atelectasis",
    "Pneumothorax",
    "Lung Lesion",
    "Pleural Other",
    "Emphysema",
)
FACTS = 3  # view, age, sex
MOVES = 5  # turn, zoom, shift right, shift down, gamma: augmentation told to the network, zero when drawing
WIDTH = len(LABELS) + 1 + FACTS + MOVES  # one more says that the labels are untold
UNCONDITIONAL = len(LABELS)


def condition(labels: Iterable[str], view: str, years: float, sex: str) -> np.ndarray:
    """Return (WIDTH,) float32: one per label held, the view (AP 1, PA −1), decades from 50, sex (M 1, F −1)."""
    row = np.zeros(WIDTH, np.float32)
    row[[LABELS.index(label) for label in labels if label in LABELS]] = 1
    row[UNCONDITIONAL + 1 : UNCONDITIONAL + 1 + FACTS] = (
        1 if view == "AP" else -1,
        (years - 50) / 20,
        1 if sex == "M" else -1,
    )
    return row


def drop_labels(rows: np.ndarray) -> np.ndarray:
    """Return rows (n, WIDTH) with their labels hidden, for classifier-free guidance (Ho and Salimans 2022)."""
    hidden = rows.copy()
    hidden[:, :UNCONDITIONAL] = 0
    hidden[:, UNCONDITIONAL] = 1
    return hidden
