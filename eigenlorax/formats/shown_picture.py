"""Pictures that are shown small: of strangers as well, so no more is unpacked than a picture needs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from eigenlorax.errors import InvalidFileError

MOST_PIXELS = 8192 * 8192
#: What Pillow's readers raise for damaged files.
_BROKEN = (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, Image.DecompressionBombError)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture file, its pixels not yet read: they are to be read in the block, and told of there.

    Raises:
        InvalidFileError: it is no picture, damaged, or has more than `MOST_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are refused, and of odd EXIF
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise InvalidFileError(
                        f"{path.name} has more than {MOST_PIXELS // 10**6} megapixels: make it smaller"
                    )
                yield picture
    except _BROKEN as error:
        raise InvalidFileError(f"{path.name} cannot be shown: it is damaged") from error
