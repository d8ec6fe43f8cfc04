"""What img2img draws over, brought to its size as A1111 does."""

from PIL import Image, ImageFilter, ImageOps, ImageStat

from eigenlorax.errors import InvalidRequestError
from eigenlorax.http.pictures import mask_from, picture_from
from eigenlorax.http.sdapi.models import Img2Img
from eigenlorax.recipe import Canvas, Fill

_STRETCH, _CROP, _FILL_UP = range(3)
_FILL, _ORIGINAL, _NOISE = range(3)
_GROUNDS = {_FILL: Fill.ORIGINAL, _ORIGINAL: Fill.ORIGINAL, _NOISE: Fill.NOISE}
#: Pixels.
_FLOWS = (2, 8, 32, 128)


def canvas_of(asked: Img2Img, size: tuple[int, int]) -> Canvas:
    """The picture and its mask.

    Args:
        asked: By A1111's names.
        size: Width and height in pixels that are drawn.

    Raises:
        InvalidRequestError, InvalidFileError: there is no picture, it cannot be read, or it is to be treated
            in a way that is not known here.
    """
    if len(asked.init_images) != 1:
        raise InvalidRequestError(f"init_images holds {len(asked.init_images)} pictures: send one")
    if asked.resize_mode not in (_STRETCH, _CROP, _FILL_UP):
        raise InvalidRequestError(f"resize_mode is {asked.resize_mode}: choose 0, 1 or 2")
    image = _fitted(picture_from(asked.init_images[0], "init_images[0]"), size, asked.resize_mode)
    if not asked.mask:
        return Canvas(image, strength=asked.denoising_strength)
    if asked.inpainting_fill not in _GROUNDS:
        raise InvalidRequestError(f"inpainting_fill is {asked.inpainting_fill}: choose 0, 1 or 2")
    mask = _fitted(mask_from(asked.mask, "mask"), size, asked.resize_mode)
    if asked.inpainting_mask_invert:
        mask = ImageOps.invert(mask)
    if asked.inpainting_fill == _FILL:
        image = filled(image, mask)
    ground = _GROUNDS[asked.inpainting_fill]
    return Canvas(image, mask, asked.denoising_strength, asked.mask_blur, ground)


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with the colours round a mask flown in under it: what A1111 calls fill.

    What is kept is blurred, and each wider blur is laid under the ones before; farther in than the widest
    reaches, its mean colour lies.

    Args:
        image: RGB.
        mask: L, of the same size; white is filled.
    """
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    found = kept.convert("RGBA")
    for radius in _FLOWS:
        below = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        below.alpha_composite(found)
        found = below
    mean = tuple(round(value) for value in ImageStat.Stat(image, ImageOps.invert(mask)).mean)
    ground = Image.new("RGBA", image.size, (*mean, 255))
    ground.alpha_composite(found)
    return ground.convert("RGB")


def _fitted(image: Image.Image, size: tuple[int, int], mode: int) -> Image.Image:
    if mode == _STRETCH:
        return image.resize(size, Image.Resampling.LANCZOS)
    if mode == _CROP:
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    inner = ImageOps.contain(image, size, Image.Resampling.LANCZOS)
    if inner.width < size[0]:
        return _drawn_out(inner, size)
    turned = inner.transpose(Image.Transpose.TRANSPOSE)
    return _drawn_out(turned, size[::-1]).transpose(Image.Transpose.TRANSPOSE)


def _drawn_out(inner: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture of full height in the middle, its first and last columns drawn out to the sides."""
    found, left = Image.new(inner.mode, size), (size[0] - inner.width) // 2
    first = inner.crop((0, 0, 1, inner.height))
    last = inner.crop((inner.width - 1, 0, inner.width, inner.height))
    half = (size[0] + 1) // 2
    found.paste(first.resize((half, size[1])), (0, 0))
    found.paste(last.resize((half, size[1])), (size[0] - half, 0))
    found.paste(inner, (left, 0))
    return found
