"""casebind doctor"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Sequence
from functools import partial
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
EXTRAS = {  # what pip install 'casebind[NAME]' adds → what has to load
    "biopac": ("bioread",),
    "trunk": ("onnx",),
    "cluster": ("ray", "psycopg"),
    "ocr": ("rapidocr", "onnxruntime", "cv2"),
    "outcomes": ("peft",),
    "edge": ("onnx", "onnxscript", "onnxruntime"),
    "oidc": ("authlib.integrations.starlette_client", "httpx2"),
    "pacs": ("pynetdicom", "dicomweb_client"),
    "anchor": ("rfc3161_client",),
    "federation": ("flwr",),
}
DISK = {
    True: "it is, by LUKS",
    False: "it is not, as far as can be seen",
    None: "whether it is cannot be seen from here",
}


@click.command("doctor")
@workspace_option
def command(workspace: Path | None) -> int:
    """Say what is installed, which release and workspace there are, and whether it all loads (status 0 only then)."""
    found = _all_pass(
        [
            ("casebind", lambda: f"{__version__}, Python {platform.python_version()}, {platform.machine()}"),
            ("packages", _packages),
            *((f"extra {name}", partial(_extra, name)) for name in EXTRAS),
            ("release", _release),
            ("search kernel", _kernel),
            ("quality gate", _gate),
        ]
    )
    found &= check_workspace(workspace)
    found &= _all_pass([("recordings", _recordings), ("sign-in", lambda: _sign_in(workspace))])
    return 0 if found else CasebindError.exit_status


def check_workspace(workspace: Path | None) -> bool:
    """Print a line on each part of a workspace; return whether all are whole."""
    return _all_pass(
        [
            ("journal", lambda: _journal(workspace)),
            ("workspace", lambda: _workspace(workspace)),
            ("study files", lambda: _study_files(workspace)),
            ("encryption", lambda: _encryption(workspace)),
            ("folder", lambda: _folder(workspace)),
        ]
    )


def _all_pass(checks: Sequence[tuple[str, Callable[[], str]]]) -> bool:
    results = [_check(name, check) for name, check in checks]  # every one, also after one that fails
    return all(results)


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


def _sign_in(workspace: Path | None) -> str:
    """Say how people sign in; fails where a provider's settings cannot be used."""
    from engine.access import mode, ways
    from engine.access.oidc import settings_file

    way = mode.sign_in()
    if way != "oidc":
        return way
    found = settings_file.read(workspace or settings.workspace_path())
    ways.check_extra()
    return f"oidc, at {found.name} ({found.issuer}); `casebind users provider` asks whether it answers"


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


def _extra(name: str) -> str:
    """Say whether an extra is there; fails where a part of it is missing, or it does not load or work."""
    parts = EXTRAS[name]
    present = [part for part in parts if importlib.util.find_spec(part.partition(".")[0]) is not None]
    if name == "federation":
        return _flower()
    if not present:
        return f"not installed; pip install 'casebind[{name}]' adds it"
    if len(present) < len(parts):
        missing = ", ".join(part for part in parts if part not in present)
        raise CasebindError(f"{missing} missing: run pip install 'casebind[{name}]' again.")
    for part in parts:
        importlib.import_module(part)
    return "installed, reads a word in a picture" if name == "ocr" and _reads_a_word() else "installed, loads"


def _flower() -> str:
    """Say where Flower's own environment is."""
    from engine.errors import UsageError
    from engine.federation.flower import flower

    try:
        return f"in an environment of its own, {flower().bin.parent}"
    except UsageError:
        return "not installed; `make federation` makes its environment"


def _reads_a_word() -> bool:
    """Return True where text is found in a picture with a word; fails where it is not."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from engine.drawing.fonts import font_file
    from engine.intake.burned_in import text_boxes
    from engine.study import Film

    picture = Image.new("L", (340, 340), 60)
    font = ImageFont.truetype(str(font_file("DejaVuSans.ttf")), 24)
    ImageDraw.Draw(picture).text((40, 40), "TRIAL NAME", fill=235, font=font)
    if not text_boxes(Film(np.asarray(picture), 8)):
        raise CasebindError("no word is found in a picture that has one: run pip install 'casebind[ocr]' again.")
    return True


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


def _encryption(path: Path | None) -> str:
    """Say what is encrypted; fails where a part of what should be is not."""
    from engine.workspace.encrypting import disk_is_encrypted, state

    with workspace_from_option(path) as place:
        found, disk = state(place), DISK[disk_is_encrypted(place.path)]
    if found.left:
        raise CasebindError(f"{found.left} files are not encrypted yet: run `casebind encrypt` again.")
    if not found.source:
        return f"off, so the disk of the workspace has to be encrypted; {disk}"
    return (
        f"study files, uploads, maps and reports, by AES-256-GCM with {found.keys} keys under the key from "
        f"{found.source}; the rest of the record is not, so the disk has to be encrypted; {disk}"
    )


def _folder(path: Path | None) -> str:
    """Say whether others on this machine may look into the workspace's folder."""
    from engine.store.folder import open_to

    with workspace_from_option(path) as place:
        others = open_to(place.path)
        return f"open to {others} on this machine: chmod 700 {place.path}" if others else "its owner's alone"


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
