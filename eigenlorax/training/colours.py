"""Bytes of a picture file -> an upright RGB picture, whatever mode, depth or turn the file has."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from eigenlorax.errors import InvalidFileError

#: None of these runs another program, as EPS would.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
_ANIMATED = {"PNG", "GIF", "WEBP", "AVIF"}
#: What pillow's readers raise for bytes that are not what they should be.
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError,
    RuntimeError, AttributeError, AssertionError, MemoryError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip
_PLAIN = "RGB"


def decoded(content: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """The first picture of a file as it is meant to be seen.

    Turned as EXIF says, brought to sRGB by its colour profile, 16 bits and floats scaled to 8, transparent
    parts laid on white.

    Returns:
        An RGB picture with 8 bits a colour, and what had to be done to it, for the user.

    Raises:
        InvalidFileError: it is no picture, broken, or larger than pillow's limit; without the file's name.
    """
    with warnings.catch_warnings():
        # Of large pictures, which are refused below, and of EXIF that is not well formed.
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(content), formats=_readable()) as image:
                _refuse_huge(image.size)
                words = _frames(image)
                if _is_turned(image):  # asked first: TIFFs are turned while they are loaded
                    words.append("turned as its EXIF says")
                image.load()
                return _seen(image, words)
        except UnidentifiedImageError as error:
            raise InvalidFileError("is not a picture that can be read: PNG and JPEG always can") from error
        except Image.DecompressionBombError as error:
            raise InvalidFileError(f"is larger than {_most_pixels() // 10**6} megapixels") from error
        except BROKEN as error:
            raise InvalidFileError("is broken: save it anew from the program that shows it") from error


def _readable() -> list[str]:
    """The formats above that this build of pillow reads."""
    Image.init()
    return [kind for kind in _FORMATS if kind in Image.OPEN]


def _refuse_huge(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > (limit := _most_pixels()):
        raise InvalidFileError(
            f"is {width} × {height} pixels, over the limit of {limit // 10**6} megapixels: make it smaller"
        )


def _most_pixels() -> int:
    """Pillow's limit; its own default where a program has lifted it."""
    return Image.MAX_IMAGE_PIXELS or 1024**3 // 12


def _frames(image: Image.Image) -> list[str]:
    count = getattr(image, "n_frames", 1)
    if count < 2 or image.format == "MPO":  # a phone's JPEG, whose others are the same view once more
        return []
    kind = "animated" if image.format in _ANIMATED else "several pages"
    return [f"{kind}: only the first of its {count} pictures is used"]


def _seen(image: Image.Image, words: list[str]) -> tuple[Image.Image, tuple[str, ...]]:
    profile = image.info.get("icc_profile")
    flat = _eight_bits(_upright(image), words)
    if flat.has_transparency_data:
        flat = _on_white(flat, words)
    return _srgb(flat, profile, words), tuple(words)


def _is_turned(image: Image.Image) -> bool:
    """Whether EXIF says so; not where it is broken."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except BROKEN:
        return False


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says; as it lies where EXIF is broken."""
    try:
        return ImageOps.exif_transpose(image)
    except BROKEN:
        return image


def _eight_bits(image: Image.Image, words: list[str]) -> Image.Image:
    """Greys of 16 or 32 bits or floats -> 8 bits: 0 is black, the largest number of the range is white."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise InvalidFileError("holds numbers that are not finite")
    peak = float(values.max())
    ranges = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0, 2.0**31 - 1)
    white = next((top for top in ranges if peak <= top), peak)
    words.append("more than 8 bits a colour: scaled to 8")
    return Image.fromarray(np.rint(values.clip(0) / white * 255).astype(np.uint8))


def _on_white(image: Image.Image, words: list[str]) -> Image.Image:
    full = image.convert("RGBA")
    if full.getchannel("A").getextrema() == (255, 255):
        return full.convert(_PLAIN)
    words.append("transparent parts are laid on white")
    white = Image.new("RGBA", full.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, full).convert(_PLAIN)


def _srgb(image: Image.Image, profile: bytes | None, words: list[str]) -> Image.Image:
    """To sRGB by the file's profile where it has one that fits; else as pillow converts."""
    if image.mode not in (_PLAIN, "CMYK"):
        image = image.convert(_PLAIN)
    if image.mode == "CMYK":
        words.append("converted from the colours of print (CMYK)")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if source.profile.xcolor_space.strip() == image.mode:
                target = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(image, source, target, outputMode=_PLAIN)
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            words.append("its colour profile is broken and is passed over")
    return image.convert(_PLAIN)
