"""Study files of a workspace: films as lossless PNG, traces as compressed int16 or float32, notes as text.

A file is written under a temporary name, flushed to disk and renamed, before the row that refers to it is committed;
so a row never points at half a file, whatever kills the process.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np

from engine.errors import WorkspaceError
from engine.measure import Canvas, FilmCanvas, canvas_of
from engine.store.database import Database
from engine.store.png import grey_png
from engine.store.records import ContentFile
from engine.store.workspace_files import WorkspaceFiles
from engine.study import Film, Note, Trace

ABOUT = "casebind"  # keyword of what a film's file says beside its pixels
NPZ_EFFORT = 1
INT16_STEPS = 32767  # the largest int16
SUFFIXES: dict[type, str] = {Film: ".png", Trace: ".npz", Note: ".txt"}


def files_of(database: Database, secret: bytes) -> WorkspaceFiles:
    """Return the files beside a database, which reads encrypted words by them; one that cannot be read is closed."""
    try:
        database.files = WorkspaceFiles(database.path.parent, secret)
    except BaseException:
        database.close()
        raise
    return database.files


def file_of(content: Trace | Film | Note) -> ContentFile:
    """Return the canonical file of one content."""
    return ContentFile(to_bytes(content), SUFFIXES[type(content)])


def save_content(
    files: WorkspaceFiles, folder: Path, study_id: str, content: ContentFile, *, owner: str, durable: bool = True
) -> str:
    """Write the content of a study below `folder`; return its path relative to `folder`.

    owner   : under whose key it is written where the workspace is encrypted
    durable : it survives a power cut from now on; else from the next sync of the disk on

    Files lie in 256 sub-folders by the hash of the id, so that no folder grows without bound.
    """
    digest = sha256(study_id.encode()).hexdigest()
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", study_id)[:60]
    relative = f"{digest[:2]}/{stem}-{digest[2:12]}{content.suffix}"
    try:
        files.write(folder / relative, content.data, owner, durable=durable)
    except OSError as error:
        raise WorkspaceError(
            f"The workspace could not be written ({error.strerror}): check its permissions and the free space."
        ) from error
    return relative


def load_content(files: WorkspaceFiles, path: Path) -> Trace | Film | Note:
    """Read what `save_content` wrote; a missing or damaged file is a WorkspaceError."""
    try:
        return from_bytes(files.read(path), path.suffix)
    except (OSError, ValueError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise _damaged(path) from error


def load_canvas(files: WorkspaceFiles, path: Path) -> Canvas:
    """Return where on the content of a file can be drawn; no film is decoded for it. Raises as `load_content`."""
    if path.suffix != ".png":
        return canvas_of(load_content(files, path))
    from PIL import Image

    try:
        with Image.open(io.BytesIO(files.read(path))) as image:
            spacing = json.loads(image.info[ABOUT])["spacing_mm"]
            return FilmCanvas(image.width, image.height, tuple(spacing) if spacing else None)
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise _damaged(path) from error


def to_bytes(content: Trace | Film | Note) -> bytes:
    """Return the canonical file of one content."""
    if isinstance(content, Film):
        return _film_bytes(content)
    if isinstance(content, Trace):
        return _trace_bytes(content)
    return content.text.encode("utf-8")


def from_bytes(data: bytes, suffix: str) -> Trace | Film | Note:
    """Return the content of one canonical file."""
    if suffix == ".png":
        return _film_from(data)
    if suffix == ".npz":
        return _trace_from(data)
    return Note(data.decode("utf-8"))


def _damaged(path: Path) -> WorkspaceError:
    return WorkspaceError(
        f"The study file {path.name} of the workspace is missing or damaged: ingest its cohort again."
    )


def _film_bytes(film: Film) -> bytes:
    return grey_png(film.pixels, ABOUT, json.dumps({"bits": film.bits, "spacing_mm": film.spacing_mm}))


def _film_from(data: bytes) -> Film:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        about = json.loads(image.info[ABOUT])
        pixels = np.asarray(image)
    kind = np.uint8 if pixels.dtype == np.uint8 else np.uint16
    spacing = about["spacing_mm"]
    return Film(pixels.astype(kind), about["bits"], tuple(spacing) if spacing else None)


def _trace_bytes(trace: Trace) -> bytes:
    values, scale = _quantised(trace.samples)
    arrays = {
        "samples": values,
        "scale": np.float64(scale),
        "leads": np.array(trace.leads),
        "fs": np.float64(trace.fs),
        "units": np.array(trace.units),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=NPZ_EFFORT) as packed:
        for name, array in arrays.items():  # as numpy's savez_compressed does, which knows no level
            with packed.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return out.getvalue()


def _trace_from(data: bytes) -> Trace:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        values, scale = file["samples"], float(file["scale"])
        samples = values if scale == 0 else (values.astype(np.float64) * scale).astype(np.float32)
        return Trace(samples, tuple(str(lead) for lead in file["leads"]), float(file["fs"]), str(file["units"]))  # type: ignore[arg-type]


def _quantised(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Return int16 values and their step where that loses nothing, else float32 values and step 0.

    samples : (leads, n) float32. Recordings come from analogue-digital converters, so most are whole multiples of a
    step such as 1 µV; the smallest non-zero difference between samples tells the step.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if not np.isfinite(samples).all() or not samples.any():
        return samples, 0.0
    for step in (0.001, 0.0005, 0.00025, 0.005, 1.0):
        values = np.rint(samples.astype(np.float64) / step)
        if np.abs(values).max() > INT16_STEPS:
            continue
        if np.array_equal((values * step).astype(np.float32), samples):
            return values.astype(np.int16), step
    return samples, 0.0
