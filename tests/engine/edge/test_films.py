"""A device with the extra `films` judges, codes and searches chest films, and its films come to the hospital."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from casebind_edge.device import install, open_device
from casebind_edge.outbox import keep
from casebind_edge.search import search
from casebind_edge.sync import sync
from helpers.devices import answer
from helpers.recording_files import as_bytes, film
from PIL import Image, ImageOps

from engine.actor import single_user
from engine.edge.messages import FILM_SIDE, packed_study, unpacked_study
from engine.edge.receive import receive
from engine.edge.signed import device_key
from engine.intake.paths import read_paths
from engine.intake.quality.judge import judge
from engine.intake.upload import Answers
from engine.model import film_features
from engine.model.release import Release
from engine.settings import DEMO
from engine.study import Film, Study
from engine.workspace.workspace import open_workspace

Device = Callable[..., subprocess.CompletedProcess[str]]
JPEG = DEMO / "cxr" / "syn-0001-e1-cxr.jpg"
MOST_BITS = 24  # that a film's 8-bit code differs by here; 8 in the median


def code_in(said: dict) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(said["query"]["code"]["hex"]), np.uint8)


def test_a_film_has_nearly_the_hospital_s_code_as_picture_and_as_dicom(
    film_device: Device, release: Release, tmp_path: Path
) -> None:
    pixels = np.asarray(Image.open(JPEG).convert("L"))
    Image.fromarray(pixels).save(tmp_path / "film.png")
    (tmp_path / "film.dcm").write_bytes(as_bytes(film(pixels.astype(np.uint16) * 16)))
    full = release.codes(release.embed([read_paths([JPEG])] * 2), "cxr")[0]
    loaded = "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'scipy', 'safetensors'}))"
    for file in (JPEG, tmp_path / "film.png", tmp_path / "film.dcm"):
        done = film_device("search", str(file), "--json", code=loaded)
        printed, imported = done.stdout.splitlines()
        said = answer(subprocess.CompletedProcess([], done.returncode, printed, done.stderr))
        changed = int(np.bitwise_count(code_in(said) ^ full).sum())
        assert (said["query"]["modality"], imported) == ("cxr", "[]"), file.name
        assert changed <= MOST_BITS, (file.name, changed)
        nearest = next(one for one in said["neighbours"] if one["modality"] == "cxr")
        assert nearest["study_id"] == JPEG.stem


def test_refused_films_get_the_hospital_s_sentences(film_device: Device, tmp_path: Path) -> None:
    with Image.open(JPEG) as picture:
        picture.rotate(180).save(tmp_path / "turned.png")
        ImageOps.invert(picture.convert("L")).save(tmp_path / "negative.png")
    for name in ("turned.png", "negative.png"):
        wanted = judge(read_paths([tmp_path / name])).reasons
        done = film_device("search", str(tmp_path / name))
        assert (done.returncode, bool(wanted)) == (3, True)
        assert _without_numbers(done.stderr) == _without_numbers(" ".join(wanted))


def test_a_film_of_the_device_is_a_query_at_the_hospital(
    built: Path, film_bundle: Path, release: Release, tmp_path: Path
) -> None:
    install(film_bundle / "bundle", built / "key", tmp_path / "home")
    try:
        found = search(open_device(tmp_path / "home"), [JPEG], Answers(), 3)
    finally:
        film_features.read_by(None)
    query_id = keep(tmp_path / "home", found, "ana")
    sync(tmp_path / "home", tmp_path / "share")
    with open_workspace(shutil.copytree(film_bundle / "ws", tmp_path / "ws")) as place:
        done = receive(place, release, tmp_path / "share", device_key(built / "key"), actor=single_user(), valid_days=7)
        assert done.left_out == () and done.events["query"] == 1
        stored = place.query(query_id, actor=single_user())
    assert stored is not None
    content, own = stored.study.content, read_paths([JPEG]).content
    assert isinstance(content, Film) and isinstance(own, Film)
    np.testing.assert_array_equal(content.pixels, own.pixels)


def test_a_large_film_travels_smaller_with_its_grey_values() -> None:
    pixels = np.full((3000, 2400), 4000, np.uint16)
    pixels[:1500] = 100
    sent = unpacked_study(packed_study(Study("cxr", Film(pixels, 12, (0.1, 0.1)), "film"))).content
    assert isinstance(sent, Film) and sent.bits == 12
    assert sent.pixels.shape == (FILM_SIDE, round(FILM_SIDE * 0.8))
    assert (sent.pixels[0, 0], sent.pixels[-1, -1]) == (100, 4000)
    assert sent.spacing_mm is not None
    np.testing.assert_allclose(np.array(sent.spacing_mm) * sent.pixels.shape, [300, 240])


def _without_numbers(words: str) -> list[str]:
    """Return words without those that 8-bit weights move a little."""
    return [word for word in words.split() if not word.strip("(),:.").replace(".", "").isdigit()]
