"""Every file that is dropped has one fate with a reason, and what is taken is seen as it was meant."""

import os
import random
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.formats.hashes import file_sha256
from eigenlorax.training import pictures as room
from eigenlorax.training.colours import decoded
from eigenlorax.training.pictures import LeftOut, Taken, look, picture_of, summary, survey

SIZE = (80, 96)


def quarters(mode: str = "RGB") -> Image.Image:
    """Red, green, blue and yellow quarters: every turn of it looks different."""
    image = Image.new("RGB", SIZE, (220, 30, 30))
    half = (SIZE[0] // 2, SIZE[1] // 2)
    image.paste((30, 200, 30), (half[0], 0, SIZE[0], half[1]))
    image.paste((30, 30, 220), (0, half[1], half[0], SIZE[1]))
    image.paste((230, 220, 40), (*half, *SIZE))
    return image.convert(mode)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def far(first: Image.Image, second: Image.Image) -> float:
    """Mean difference of two pictures in 8-bit steps."""
    return float(np.abs(np.asarray(first).astype(float) - np.asarray(second).astype(float)).mean())


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def fates(*sources: Path) -> dict[str, Taken | LeftOut]:
    found = list(survey(sources))
    assert len({fate.path.resolve() for fate in found}) == len(found)
    return {fate.path.name: fate for fate in found}


def reason(fate: Taken | LeftOut) -> str:
    assert isinstance(fate, LeftOut)
    return fate.reason


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_every_format_is_seen_as_it_was_saved(kind: str) -> None:
    image, words = decoded(stored(quarters(), kind))
    assert image.mode == "RGB" and image.size == SIZE and words == ()
    assert far(image, quarters()) < 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = quarters("L").convert("RGB") if mode in {"1", "L", "LA", "I;16"} else quarters()
    stored_as = source.convert("L").convert("LA") if mode == "LA" else source.convert(mode)
    if mode == "P":
        stored_as = source.quantize(8)
    if mode == "I;16":
        deep = np.asarray(source.convert("L")).astype(np.uint16) * 257
        stored_as = Image.fromarray(deep)
        assert stored_as.mode == mode
    image, words = decoded(stored(stored_as, "PNG"))
    assert image.mode == "RGB"
    assert far(image, stored_as.convert("RGB") if mode == "1" else source) < 1
    assert bool(words) == (mode == "I;16")


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floats_are_scaled_by_their_range(white: float) -> None:
    ramp = np.tile(np.linspace(0, white, 70, dtype=np.float32), (64, 1))
    image, _ = decoded(stored(Image.fromarray(ramp), "TIFF"))
    assert far(image.convert("L"), Image.fromarray(np.rint(ramp / white * 255).astype(np.uint8))) < 1


def test_numbers_that_are_no_brightness_are_refused() -> None:
    values = np.full((64, 64), np.nan, dtype=np.float32)
    with pytest.raises(InvalidFileError, match="not finite"):
        decoded(stored(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT), (3, Image.Transpose.ROTATE_180), (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE), (6, Image.Transpose.ROTATE_90), (7, Image.Transpose.TRANSVERSE), (8, Image.Transpose.ROTATE_270),
    ],
)  # fmt: skip
def test_pictures_are_upright(kind: str, orientation: int, undo: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image, words = decoded(stored(quarters().transpose(undo), kind, exif=exif))
    assert far(image, quarters()) < 4 and "turned" in words[0]


def test_broken_exif_costs_no_picture() -> None:
    exif = b"Exif\0\0II*\0" + bytes(range(200, 255)) * 3
    image, words = decoded(stored(quarters(), "JPEG", exif=exif))
    assert far(image, quarters()) < 4 and words == ()


def test_transparent_parts_are_white_and_opaque_ones_are_not_mentioned() -> None:
    image = quarters("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    found, words = decoded(stored(image, "PNG"))
    assert found.getpixel((0, 0)) == (255, 255, 255) and found.getpixel((1, 0)) == (127, 127, 127)
    assert found.getpixel((2, 0)) == (220, 30, 30) and "white" in words[0]
    assert decoded(stored(quarters("RGBA"), "PNG"))[1] == ()


def test_print_colours_are_converted() -> None:
    found, words = decoded(stored(quarters("CMYK"), "JPEG", quality=95))
    assert far(found, quarters()) < 5 and "CMYK" in words[0]


def test_a_colour_profile_is_followed_and_a_broken_one_passed_over() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert far(decoded(stored(quarters(), "PNG", icc_profile=srgb))[0], quarters()) < 1
    swap = bytearray(srgb)  # red and blue change places in the profile's table
    first, last = srgb.index(b"rXYZ"), srgb.index(b"bXYZ")
    swap[first : first + 4], swap[last : last + 4] = b"bXYZ", b"rXYZ"
    swapped = decoded(stored(quarters(), "PNG", icc_profile=bytes(swap)))[0]
    red = swapped.getpixel((0, 0))
    assert red[2] > 150 > red[0]  # what the profile calls red is blue
    found, words = decoded(stored(quarters(), "PNG", icc_profile=b"no profile at all"))
    assert far(found, quarters()) < 1 and "profile" in words[0]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_many_pictures_in_a_file_the_first_is_used(kind: str) -> None:
    others = [Image.new("RGB", SIZE, colour) for colour in ("black", "white")]
    found, words = decoded(stored(quarters(), kind, save_all=True, append_images=others))
    assert far(found, quarters()) < 4
    assert ("several pages" if kind == "TIFF" else "animated") in words[0] and " 3 " in words[0]


def test_damage_anywhere_is_an_answer_in_words() -> None:
    chance = random.Random(0)
    whole = [stored(quarters(), kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF")]
    refused = 0
    for _ in range(400):
        content = bytearray(chance.choice(whole))
        for _ in range(3):
            content[chance.randrange(min(len(content), 200))] = chance.randrange(256)
        try:
            decoded(bytes(content[: chance.randrange(1, len(content) + 1)]))
        except InvalidFileError:
            refused += 1
    assert refused > 200


def test_every_file_has_one_fate_and_none_stops_the_others(tmp_path: Path) -> None:
    good = stored(quarters(), "PNG")
    put(tmp_path, "a good one.png", good)
    put(tmp_path, "again.png", good)
    put(tmp_path, "cut.png", good[: len(good) // 2])
    put(tmp_path, "deep/er/b.jpg", stored(quarters(), "JPEG"))
    put(tmp_path, "empty.png", b"")
    put(tmp_path, "notes.pdf", b"%PDF-1.4 and so on")
    put(tmp_path, "tiny.png", stored(Image.new("RGB", (63, 400)), "PNG"))
    put(tmp_path, "vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    put(tmp_path, "z.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n")
    os.mkfifo(tmp_path / "pipe.png")
    found = fates(tmp_path, tmp_path / "a good one.png", tmp_path / "gone.png")
    taken = {name for name, fate in found.items() if isinstance(fate, Taken)}
    assert taken == {"a good one.png", "b.jpg"} and len(found) == 11
    assert "same picture as a good one.png" in reason(found["again.png"])
    assert "broken" in reason(found["cut.png"]) and "empty" in reason(found["empty.png"])
    assert "not a picture" in reason(found["notes.pdf"]) and "not a picture" in reason(found["vector.svg"])
    assert "not a picture" in reason(found["z.eps"]) and "63 × 400" in reason(found["tiny.png"])
    assert "not a regular file" in reason(found["pipe.png"]) and "not exist" in reason(found["gone.png"])
    assert summary(list(found.values())) == "2 pictures to learn from, 9 files left out"


def test_a_picture_over_pillows_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    content = stored(Image.new("RGB", (1000, 1001)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    with pytest.raises(InvalidFileError, match="1000 × 1001 pixels, over the limit of 1 megapixels"):
        decoded(content)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400_000)  # more than twice: pillow itself refuses
    with pytest.raises(InvalidFileError, match="larger than 0 megapixels"):
        decoded(content)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert decoded(content)[0].size == (1000, 1001)


def test_limits_on_bytes_pictures_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for shade in range(4):
        put(tmp_path, f"{shade}.png", stored(Image.new("L", (64, 64), shade), "PNG"))
    big = put(tmp_path, "big.png", stored(quarters(), "BMP"))
    monkeypatch.setattr(room, "_MOST_BYTES", 4096)
    assert "larger than" in reason(look(big))
    monkeypatch.setattr(room, "MOST_PICTURES", 3)
    assert "more than the 3 pictures" in reason(fates(tmp_path)["3.png"])
    monkeypatch.setattr(room, "_MOST_FILES", 4)
    with pytest.raises(InvalidRequestError, match="more than 4 files"):
        fates(tmp_path)


def test_caption_files_go_with_their_pictures(tmp_path: Path) -> None:
    for place, name in enumerate(["a.png", "b.png", "up/1/c.png", "d.png", "e.png"]):
        put(tmp_path, name, stored(Image.new("L", (64, 64), place), "PNG"))
    for name in ["a.txt", "a.caption", "b.png.txt", "up/2/c.txt", "lost.txt", "up/3/d.txt", "up/4/d.txt"]:
        put(tmp_path, name, b"words")
    found = fates(tmp_path)
    beside = {name: fate.caption_file for name, fate in found.items() if isinstance(fate, Taken)}
    assert beside == {
        "a.png": tmp_path / "a.caption", "b.png": tmp_path / "b.png.txt", "c.png": tmp_path / "up/2/c.txt",
        "d.png": None, "e.png": None,
    }  # fmt: skip
    left = sorted(fate.path.name for fate in survey([tmp_path]) if isinstance(fate, LeftOut))
    assert left == ["a.txt", "d.txt", "d.txt", "lost.txt"]
    alone = fates(tmp_path / "b.png")["b.png"]  # its caption lies beside it, though it was not given
    assert isinstance(alone, Taken) and alone.caption_file == tmp_path / "b.png.txt"


def test_what_was_taken_is_read_again_only_as_it_was(tmp_path: Path) -> None:
    path = put(tmp_path, "a.png", stored(quarters(), "PNG"))
    taken = look(path)
    assert isinstance(taken, Taken) and taken.sha256 == file_sha256(path) and taken.size == SIZE
    assert far(picture_of(taken), quarters()) == 0
    put(tmp_path, "a.png", stored(quarters().rotate(180), "PNG"))
    with pytest.raises(InvalidFileError, match=r"a\.png was changed"):
        picture_of(taken)
    path.unlink()
    with pytest.raises(InvalidFileError, match=r"a\.png does not exist: choose"):
        picture_of(taken)
