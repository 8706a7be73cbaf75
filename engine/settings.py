"""Where things are and how large they may be. One table, each value overridable by an environment variable."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
ASSETS = ROOT / "assets"
DEMO = DATA / "demo"  # the synthetic cohort, shipped
MODELS = DATA / "models"  # releases, shipped
CHECKS = ROOT / "runs" / "checks"  # encodings and pictures of real recordings: never in the repository
TRUNKS = MODELS / "trunks"  # frozen foundation weights, shared by releases

UPLOAD_LIMIT_MB = 200  # the page's limit, and the largest single file that intake reads
UNPACKED_LIMIT_MB = 400  # the largest sum of unpacked zip members
SEARCH_WINDOW_S = 10.0  # traces longer than this are searched by their best window


def workspace_path() -> Path:
    """Return CASEBIND_WORKSPACE, or the shipped workspace's folder."""
    return Path(os.environ.get("CASEBIND_WORKSPACE", DATA / "workspace"))


def state_path() -> Path:
    """Return the user's own folder for logs outside of a workspace: CASEBIND_STATE, or where the system keeps state."""
    if named := os.environ.get("CASEBIND_STATE"):
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".local" / "state") / "casebind"


def film_space_path() -> Path | None:
    """Return CASEBIND_FILM_SPACE, what the quality gate compares films with if not the shipped films, or None."""
    named = os.environ.get("CASEBIND_FILM_SPACE")
    return Path(named) if named else None


def encoders_path() -> Path:
    """Return CASEBIND_ENCODERS, or the folder of exported encoders in the user's own folder."""
    named = os.environ.get("CASEBIND_ENCODERS")
    return Path(named) if named else state_path() / "encoders"


def read_seconds() -> float:
    """Return CASEBIND_READ_SECONDS, what reading one upload may take of a processor, or 60."""
    return float(os.environ.get("CASEBIND_READ_SECONDS", 60))


def read_memory_mb() -> int:
    """Return CASEBIND_READ_MEMORY_MB, what reading one upload may take beside the libraries, or 2000."""
    return int(os.environ.get("CASEBIND_READ_MEMORY_MB", 2000))


def grid_grams_per_kwh() -> float | None:
    """Return CASEBIND_GRID, grams of CO₂ equivalent per kWh of the site's grid, or None where it has not said."""
    named = os.environ.get("CASEBIND_GRID")
    return float(named) if named else None


def thresholds_path() -> Path | None:
    """Return CASEBIND_THRESHOLDS, another file of the quality gate's limits than the shipped one, or None."""
    named = os.environ.get("CASEBIND_THRESHOLDS")
    return Path(named) if named else None


def recordings_path() -> Path | None:
    """Return the folder of open recordings (CASEBIND_RECORDINGS, else data/recordings); None where it is absent."""
    path = Path(os.environ.get("CASEBIND_RECORDINGS", DATA / "recordings"))
    return path if (path / "cxr" / "cxr.csv").is_file() else None
