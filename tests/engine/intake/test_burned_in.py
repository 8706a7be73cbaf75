"""Text burned into films: found where a name stands, not where a side marker does, and blacked out for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.burned_in import NAME, NEEDS_OCR, as_png, named_film, shipped_film, with_words
from helpers.recording_files import as_bytes, film

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.intake.burned_in import THREADS, is_marker, is_text, text_boxes
from engine.intake.burned_in_choice import FACT, KEPT, LOOKED, Screen, after_choice, blacked_out, look
from engine.intake.limited import text_boxes_limited
from engine.settings import ROOT
from engine.study import Box, Film, Study, fingerprint


def png(pixels: np.ndarray) -> Study:
    return read([Upload("a.png", as_png(pixels))])


def covers(boxes: tuple[Box, ...], before: np.ndarray, after: np.ndarray) -> float:
    """Return which share of the pixels in which two films differ lies in boxes."""
    changed = np.abs(before.astype(int) - after) > 40
    inside = np.zeros(changed.shape, bool)
    for left, top, right, bottom in boxes:
        height, width = changed.shape
        inside[int(top * height) : int(bottom * height) + 1, int(left * width) : int(right * width) + 1] = True
    return float((changed & inside).sum() / changed.sum())


@pytest.mark.parametrize(
    "words", ["R", "L2", "STANDING", "Supine portable", "mAs:2.88", "KV:60", "mA:320", "SEMI-ERECT AP", "PORTABIE"]
)
def test_what_technicians_and_machines_set_on_films_is_a_marker(words: str) -> None:
    assert is_marker(words) and not is_text(words, 0.99)


@pytest.mark.parametrize(
    "words", [NAME, "DOE^JANE", "12.03.56", "12.03.1956", "MA 12.03.56", "ID 471192", "LARA", "PORTER", "LIEBERMANN"]
)
def test_names_dates_and_numbers_are_text(words: str) -> None:
    assert is_text(words, 0.6) and not is_text(words, 0.59)


def test_part_of_a_marker_counts_only_where_a_tile_may_have_cut_it() -> None:
    assert is_text("ORTABLE", 0.9) is False  # one letter from the word
    assert is_text("TABLE", 0.9) and not is_text("TABLE", 0.9, is_cut=True)


@NEEDS_OCR
@pytest.mark.parametrize(
    ("words", "corner", "px", "font"),
    [
        (NAME, (30, 24), 14, "DejaVuSans.ttf"),
        ("1956-03-12", (900, 14), 16, "DejaVuSansMono.ttf"),
        ("ID 4711923", (215, 560), 20, "STIXGeneral.ttf"),
    ],
)
def test_words_are_found_wherever_they_stand_and_gone_once_blacked_out(
    words: str, corner: tuple[int, int], px: int, font: str
) -> None:
    before = shipped_film()
    study = png(with_words(before, words, corner, px, font))
    looked = look(study)
    assert looked.is_flagged and covers(looked.boxes, before, study.film.pixels) > 0.97
    done = after_choice(study, looked.boxes, "black-out")
    left, top = corner
    assert done.film.pixels[top + px // 2, left + px] == 0
    assert done.fingerprint == fingerprint(done.film) != study.fingerprint
    assert (
        done.facts[FACT]["boxes"] == [list(box) for box in looked.boxes] and done.facts[FACT]["choice"] == "black-out"
    )
    assert ("text in the picture", "removed") in [(row.tag, row.action) for row in done.identity]
    again = look(done)
    assert not again.is_flagged and again.study.identity_note == LOOKED


@NEEDS_OCR
def test_a_film_with_markers_alone_passes_and_nobody_says_that_it_has_no_text() -> None:
    looked = look(png(with_words(with_words(shipped_film(), "L", (940, 60), 60), "PORTABLE", (30, 60), 26)))
    assert not looked.is_flagged and looked.boxes == ()
    assert looked.study.identity_note == LOOKED and "can be missed" in LOOKED


@NEEDS_OCR
def test_a_word_of_the_file_is_no_proof_either_way() -> None:
    grey = with_words(shipped_film(), NAME, (30, 24))
    denies = read([Upload("a", as_bytes(film(grey, 8, BurnedInAnnotation="NO")))])
    assert denies.identity_note == "" and look(denies).is_flagged
    says = read([Upload("a", as_bytes(film(shipped_film(), 8, BurnedInAnnotation="YES")))])
    looked = look(says)
    assert looked.is_flagged and looked.boxes == ()
    assert after_choice(says, (), "keep").identity_note == KEPT
    with pytest.raises(IntakeError, match="carries text, as its file says, which may name its patient"):
        after_choice(says, (), "refuse")


@NEEDS_OCR
def test_films_of_more_bits_and_the_smallest_are_looked_at() -> None:
    deep = with_words(shipped_film(), NAME, (30, 24)).astype(np.uint16) * 257
    assert text_boxes(Film(deep >> 4, 12))
    assert text_boxes(Film(np.zeros((64, 80), np.uint8), 8)) == ()


@NEEDS_OCR
def test_a_large_film_is_looked_at_in_its_own_pixels_too() -> None:
    small_print = with_words(np.kron(shipped_film(), np.ones((2, 2), np.uint8)), NAME, (60, 40), 16)
    assert text_boxes(Film(small_print, 8))


def test_black_goes_into_every_pixel_that_a_box_touches() -> None:
    grey = Film(np.full((10, 20), 4000, np.uint16), 12, (0.1, 0.2))
    done = blacked_out(grey, [(0.12, 0.31, 0.28, 0.49)])
    assert (done.pixels[3:5, 2:6] == 0).all() and (done.pixels == 0).sum() == 8
    assert done.spacing_mm == grey.spacing_mm and (grey.pixels == 4000).all()


@NEEDS_OCR
def test_one_choice_for_many_films_counts_them() -> None:
    named, plain = png(with_words(shipped_film(), NAME, (30, 24))), png(shipped_film())
    screen = Screen("black-out")
    assert screen.passed(named).facts[FACT]["choice"] == "black-out" and screen.passed(plain).identity_note == LOOKED
    assert (screen.films, screen.looked, screen.flagged) == (2, 2, 1)
    assert screen.said.startswith(
        "Text was looked for in 2 films: 1 seemed to carry some (blacked out); small or faint"
    )
    with pytest.raises(
        IntakeError, match="seems to carry text in 1 place, which may name its patient, and is left out"
    ):
        Screen().passed(named)
    kept = Screen("keep")
    assert kept.passed(named) is named and kept.said == "Text burned into 1 film was not looked for, as asked."


@NEEDS_OCR
def test_the_reader_of_uploads_looks_within_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = png(with_words(shipped_film(), NAME, (30, 24))).film
    assert text_boxes_limited(grey) == text_boxes(grey) != ()
    monkeypatch.setenv("CASEBIND_READ_SECONDS", "0.01")
    assert text_boxes_limited(grey) is None  # then nobody says that it was looked for
    assert look(png(grey.pixels), text_boxes_limited).study.identity_note != LOOKED


ALONE = """
import sys
def quiet(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"asked the network: {args}")
sys.addaudithook(quiet)
from pathlib import Path
from engine.intake import Upload, read
from engine.intake import burned_in
film = read([Upload("a.png", Path(sys.argv[1]).read_bytes())]).film
assert burned_in.text_boxes(film)
assert not {"torch", "torchvision"} & set(sys.modules), "loads another library of tensors"
reader = burned_in._reader()
for part in (reader.text_det, reader.text_rec):
    print(part.session.session.get_session_options().intra_op_num_threads)
"""


@NEEDS_OCR
def test_it_asks_no_network_loads_no_torch_and_starts_no_threads(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(named_film(tmp_path))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [int(line) for line in done.stdout.split()] == [THREADS, THREADS]


def test_without_the_extra_nothing_is_looked_for_and_nothing_else_is_said(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'rapidocr' else found(name, *rest)\n"
        "from pathlib import Path\n"
        "from engine.intake import Upload, read\n"
        "from engine.intake.burned_in_choice import Screen, look\n"
        "study = read([Upload('a.png', Path(sys.argv[1]).read_bytes())])\n"
        "assert look(study).study is study, 'said something else'\n"
        "screen = Screen()\n"
        "assert screen.passed(study) is study\n"
        "print(study.identity_note, screen.said)\n"
        "Screen('black-out')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(named_film(tmp_path))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is not searched for: look at it before you share it." in done.stdout
    assert "1 film was not looked for, since the extra ocr is not installed." in done.stdout
    assert "UsageError: Text burned into films is looked for by the extra ocr" in done.stderr
