"""What the tables of the open recordings say beyond what a Recording holds: sensor, skin, the language of a report."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LANGUAGES = {"de": "German", "en": "English", "sv": "Swedish"}


def skin_tone(colour: str) -> str:
    """Return the group of a colour "#rrggbb" by its individual typology angle (Chardon et al. 1991)."""
    rgb = np.array([int(colour.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = float(np.array([0.2126, 0.7152, 0.0722]) @ linear)
    z = float(np.array([0.0193, 0.1192, 0.9505]) @ linear) / 1.089
    root_y, root_z = np.cbrt([max(y, 0.008856), max(z, 0.008856)])
    angle = np.degrees(np.arctan2(116 * root_y - 66, 200 * (root_y - root_z)))
    names = ((55, "very light"), (41, "light"), (28, "intermediate"), (10, "tan"), (-30, "brown"))
    return next((name for least, name in names if angle > least), "dark")


def pulse_facts(folder: Path) -> dict[str, dict[str, str]]:
    """Return what the table of pulses says of sensor and skin, by recording."""
    return {
        row["record_id"]: {
            **({"sensor": row["site"]} if row.get("site") else {}),
            **({"skin tone": skin_tone(row["skin_tone"])} if row.get("skin_tone", "").startswith("#") else {}),
        }
        for row in _rows(folder / "ppg" / "ppg.csv")
    }


def report_languages(folder: Path) -> dict[str, str]:
    """Return the language of each ECG's own report, by recording, where the table knows it."""
    rows = _rows(folder / "ecg" / "ecg.csv")
    return {row["record_id"]: LANGUAGES[row["report_lang"]] for row in rows if row.get("report_lang") in LANGUAGES}


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as handle:
        yield from csv.DictReader(handle)
