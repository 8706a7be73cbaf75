"""PNG and JPEG films."""

from __future__ import annotations

import io

import numpy as np
import pytest
from helpers.recording_files import chest
from PIL import Image, PngImagePlugin

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.study import Study


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def taken_in(image: Image.Image, kind: str = "PNG", **options: object) -> Study:
    return read([Upload("film", saved(image, kind, **options))])


GREY = chest(bits=8)


def test_eight_and_sixteen_bits_keep_every_value() -> None:
    study = taken_in(Image.fromarray(GREY))
    np.testing.assert_array_equal(study.content.pixels, GREY)
    assert (study.content.bits, study.facts["colourfulness"]) == (8, 0.0)
    deep = chest(bits=16)
    study = taken_in(Image.fromarray(deep))
    np.testing.assert_array_equal(study.content.pixels, deep)
    assert (study.content.bits, study.recognised) == (16, "PNG, 80 × 96, 16 bit")


def test_twelve_bits_in_a_sixteen_bit_picture_are_stretched_to_be_seen() -> None:
    stored = chest(bits=12)
    shown = taken_in(Image.fromarray(stored)).content.pixels
    np.testing.assert_allclose(shown, stored / 4095 * 65535, atol=0.51)


def test_grey_stored_as_colour_palette_or_with_alpha_is_the_same_film() -> None:
    grey = Image.fromarray(GREY)
    for image in (grey.convert("RGB"), grey.convert("RGBA"), grey.convert("LA"), grey.convert("P")):
        study = taken_in(image)
        np.testing.assert_array_equal(study.content.pixels, GREY)
        assert study.facts["colourfulness"] == 0.0


def test_jpeg_is_close_and_names_itself() -> None:
    study = taken_in(Image.fromarray(GREY), "JPEG", quality=95)
    assert study.recognised == "JPEG, 80 × 96, 8 bit"
    assert np.abs(study.content.pixels.astype(int) - GREY).mean() < 4


def test_colour_is_measured_for_the_quality_gate() -> None:
    colour = np.zeros((96, 80, 3), np.uint8)
    colour[..., 0] = 255
    study = taken_in(Image.fromarray(colour))
    assert study.facts["colourfulness"] == 1.0
    assert study.recognised.endswith("colour")


def with_alpha(alpha: np.ndarray | int, grey: np.ndarray = GREY) -> Image.Image:
    return Image.fromarray(np.dstack([grey, np.broadcast_to(np.uint8(alpha), grey.shape)]), "LA")


def test_transparent_corners_are_black_and_said() -> None:
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:20, :20] = 0
    study = taken_in(with_alpha(alpha))
    np.testing.assert_array_equal(study.content.pixels, np.where(alpha, GREY, 0))
    assert study.recognised.endswith("transparent areas black")


@pytest.mark.parametrize("alpha", [0, 1, 128])
def test_a_picture_that_is_transparent_as_a_whole_keeps_its_greys(alpha: int) -> None:
    for image in (with_alpha(alpha), with_alpha(alpha).convert("RGBA")):
        study = taken_in(image)
        np.testing.assert_array_equal(study.content.pixels, GREY)
        assert study.recognised.endswith("transparency left aside")


def test_a_picture_that_is_transparent_for_the_most_part_keeps_its_greys() -> None:
    alpha = np.zeros(GREY.shape, np.uint8)
    alpha[:20] = 255
    np.testing.assert_array_equal(taken_in(with_alpha(alpha)).content.pixels, GREY)


def test_a_picture_in_its_mask_is_one_sentence() -> None:
    with pytest.raises(IntakeError, match="export it without transparency"):
        taken_in(with_alpha(GREY, np.zeros_like(GREY)))


def test_four_colours_of_print_give_the_film_and_not_its_negative() -> None:
    study = taken_in(Image.fromarray(GREY).convert("RGB").convert("CMYK"), "JPEG", quality=100, subsampling=0)
    assert np.abs(study.content.pixels.astype(int) - GREY).max() < 12


def test_exif_orientation_is_applied_and_exif_removed() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Jane Roe"
    study = taken_in(Image.fromarray(GREY), "JPEG", quality=100, exif=exif)
    assert study.content.pixels.shape == (80, 96)
    upright = np.rot90(GREY, k=-1)
    assert np.abs(study.content.pixels.astype(int) - upright).mean() < 4
    assert "EXIF" in [row.tag for row in study.identity]
    assert "Roe" not in repr(study)


def test_text_chunks_are_removed_and_shown() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", "Jane Roe")
    info.add_itxt("Roe", "Jane")
    study = taken_in(Image.fromarray(GREY), pnginfo=info)
    assert ("2 text chunks", "removed") in [(row.tag, row.action) for row in study.identity]
    assert "Roe" not in repr(study)
    assert "burned" in study.identity_note


def test_what_is_no_film_is_one_sentence() -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1])]
    cases = {
        "1 × 1 px": saved(Image.fromarray(GREY[:1, :1])),
        "animation": saved(frames[0], save_all=True, append_images=frames[1:]),
        "damaged or cut off": saved(frames[0])[:500],
        "million pixels": saved(Image.new("1", (20000, 6000))),
        "GIF": saved(frames[0], "GIF"),
        "TIFF": saved(frames[0], "TIFF"),
        "BMP": saved(frames[0], "BMP"),
        "WebP": saved(frames[0], "WEBP"),
    }
    for word, data in cases.items():
        with pytest.raises(IntakeError, match=word):
            read([Upload("film", data)])


def test_a_declared_size_beyond_the_limit_is_refused_from_the_header() -> None:
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    idat = b"IDAT" + zlib.compress(bytes(1000))
    png += struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    with pytest.raises(IntakeError, match=r"large|million pixels"):
        read([Upload("bomb.png", png)])


def deep_colour(values: np.ndarray) -> bytes:
    """Return a PNG with (height, width) values as 16-bit red, green and blue, written by hand: Pillow writes 8 bits."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + np.repeat(row[:, None], 3, axis=1).astype(">u2").tobytes() for row in values)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_film_in_the_lower_bits_of_deep_colour_is_no_dark_film() -> None:
    deep = chest(bits=16)
    shown = read([Upload("film.png", deep_colour(deep))]).content
    assert np.abs(shown.pixels / 255 - deep / 65535).max() < 0.005
    with pytest.raises(IntakeError, match="lower bits"):
        read([Upload("film.png", deep_colour(chest(bits=12)))])
