"""casebind doctor"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from pathlib import Path

import click

from engine import settings
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import CasebindError
from engine.version import __version__

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "duckdb",
    "numba",
    "faiss-cpu",
    "streamlit",
    "pydicom",
    "wfdb",
    "edfio",
    "neurokit2",
    "captum",
    "sentence-transformers",
    "safetensors",
    "dicognito",
)


@click.command("doctor")
@workspace_option
def command(workspace: Path | None) -> int:
    """Say what is installed, which release and workspace there are, and whether it all loads (status 0 only then)."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("casebind", lambda: f"{__version__}, Python {platform.python_version()}, {platform.machine()}"),
        ("packages", _packages),
        ("release", _release),
        ("search kernel", _kernel),
        ("quality gate", _gate),
        ("journal", lambda: _journal(workspace)),
        ("workspace", lambda: _workspace(workspace)),
        ("study files", lambda: _study_files(workspace)),
        ("recordings", _recordings),
    ]
    results = [_check(name, check) for name, check in checks]
    return 0 if all(results) else CasebindError.exit_status


def _check(name: str, check: Callable[[], str]) -> bool:
    """Print one line; return whether the check passed."""
    try:
        click.echo(f"ok      {name}: {check()}")
    except CasebindError as error:
        click.echo(f"failed  {name}: {error}")
        return False
    except Exception as error:
        click.echo(f"failed  {name}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        return False
    return True


def _packages() -> str:
    """Return name and version of the packages that matter; fails where one is missing."""
    missing = [name for name in PACKAGES if _version(name) is None]
    if missing:
        raise CasebindError(f"{', '.join(missing)} missing: run `make setup`.")
    return ", ".join(f"{name} {_version(name)}" for name in PACKAGES)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _release() -> str:
    """Load every part of the release and put one input of each modality through it."""
    import numpy as np

    release = load_release()
    from engine.retrieval.search import warmup_studies

    embeddings = release.embed(warmup_studies())
    if embeddings.shape != (len(warmup_studies()), 256) or not np.isfinite(embeddings).all():
        raise CasebindError(f"release {release.name} does not encode: get its folder in data/models again.")
    return f"{release.name} with {', '.join(release.modalities)}, all parts load and encode"


def _kernel() -> str:
    """Compare the compiled scan and faiss with numpy on random codes; say whether the scan's disk cache was warm."""
    import numpy as np

    import engine.index as package
    from engine.index.flat import FlatIndexes
    from engine.index.hamming import compiled_kernel

    cached = any((Path(package.__file__).parent / "__pycache__").glob("scan.*.nbi"))
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**64, (4, 1000), dtype=np.uint64)
    expected = np.bitwise_count(codes ^ codes[:, :1]).sum(axis=0)
    if not np.array_equal(compiled_kernel()(codes, codes[:, 0].copy()), expected):
        raise CasebindError("the compiled scan is wrong on this machine: remove __pycache__ folders and run again.")
    if not np.array_equal(FlatIndexes(codes).nearest(codes[:, 0], 1000, 256)[1], np.sort(expected)):
        raise CasebindError("faiss is wrong on this machine: run `make setup` to install it again.")
    return f"compiled, {'from its' if cached else 'just now and saved in its'} disk cache; faiss finds the same"


def _gate() -> str:
    """Load the limits, and what films are compared with, whose bytes have to be those of its manifest."""
    from engine.intake.quality.film_space import load_space
    from engine.intake.quality.verdict import SHIPPED, gate_digest, limits

    load_space()
    known = limits(settings.thresholds_path() or SHIPPED)
    return f"{len(known)} limits and the film space load; digest {gate_digest()[:12]}"


def _study_files(path: Path | None) -> str:
    from engine.workspace.study_files import check_files

    with workspace_from_option(path) as place:
        check = check_files(place)
    if not check.whole:
        raise CasebindError(check.sentence)
    return check.sentence


def _journal(path: Path | None) -> str:
    """Say what was damaged; fails where that is found now, when the workspace is opened."""
    with workspace_from_option(path) as place:
        if found := place.remark or place.journal_failure:
            raise CasebindError(found)
        damage = place.last_damage()
    return "every change has its second copy" + (f"; {damage[0]:%Y-%m-%d}: {damage[1]}" if damage else "")


def _workspace(path: Path | None) -> str:
    from engine.backends.setting import read_setting
    from engine.workspace.rejudge import outdated
    from engine.workspace.serving import serving_release

    with workspace_from_option(path) as place:
        counts = ", ".join(f"{number} {modality}" for modality, number in place.all_counts().items()) or "empty"
        ratings = len(place.all_ratings())
        cohorts = ", ".join(cohort.name for cohort in place.all_cohorts()) or "none"
        newest = load_release()
        used = serving_release(place, newest)
        old = "" if used is newest else f"; codes of release {used.name} answer until `casebind reindex`"
        old = f"; release {used.name} of a round serves" if used.base != used.name else old
        backend = read_setting(place.path).backend
        judged = outdated(place)
        gate = f"; {judged} studies were judged by another quality gate until `casebind reindex`" if judged else ""
        return f"{place.path}: {counts}; cohorts {cohorts}; {ratings} ratings; index.backend {backend}{old}{gate}"


def _recordings() -> str:
    found = settings.recordings_path()
    return f"{found}" if found else "not on this machine; only training and evaluation need them"
