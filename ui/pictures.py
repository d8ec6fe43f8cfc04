"""How pictures are shown: one as itself, several as a gallery, unfinished ones as a sheet."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from eigenlorax.library.atomic import written_aside
from ui.generate_tab import Seeing

ZOOM = 8
"""A preview has a pixel for each place in the latents, of which the VAE makes 8 x 8."""
SHEET_SIDE = 1024
GAP = 4
_SHEET = "sheet-"
_SHEETS_KEPT = 40


def unfinished(seeing: Seeing, shown: Path) -> dict[Any, Any]:
    """Updates that show a sheet of previews."""
    return {seeing.picture: str(shown), **_shown(seeing, several=False)}


def kept_sheet(previews: Sequence[Path]) -> Path | None:
    """Previews as one picture in a file beside them, which every page that looks shows.

    A file of its own for each set of previews, written aside: given to Gradio as a picture, two pages would
    write one file while the other's browser reads it.

    Args:
        previews: Files of one job; the last few sheets stay for pages that are slow.

    Returns:
        The file; None where there is none to show, or a newer preview has taken one's place.
    """
    if not previews:
        return None
    folder = previews[0].parent
    found = folder / f"{_SHEET}{previews[0].stem}.webp"
    if found.is_file():
        return found
    try:
        images = [Image.open(path).convert("RGB") for path in previews]
        with written_aside(found) as aside:
            sheet(images).save(aside, format="WEBP", quality=90)
    except OSError:
        return None
    for old in sorted(folder.glob(f"{_SHEET}*.webp"))[:-_SHEETS_KEPT]:
        old.unlink(missing_ok=True)
    return found


def finished(seeing: Seeing, items: Sequence[tuple[Path, str]]) -> dict[Any, Any]:
    """Updates that show pictures that lie in files, each with its caption where there are several."""
    several = len(items) > 1
    return {
        seeing.picture: str(items[0][0]),
        seeing.pictures: [(str(path), caption) for path, caption in items] if several else None,
        **_shown(seeing, several),
    }


def _shown(seeing: Seeing, several: bool) -> dict[Any, Any]:
    return {seeing.single: gr.update(visible=not several), seeing.several: gr.update(visible=several)}


def sheet(images: Sequence[Image.Image]) -> Image.Image:
    """Previews of one size side by side, enlarged as far as they fit; a single one as it is, enlarged."""
    columns = ceil(sqrt(len(images)))
    width, height = images[0].size
    zoom = max(1, min(ZOOM, SHEET_SIDE // (columns * max(width, height))))
    large = [image.resize((zoom * width, zoom * height)) for image in images]
    if len(large) == 1:
        return large[0]
    across, down = zoom * width + GAP, zoom * height + GAP
    found = Image.new("RGBA", (columns * across - GAP, ceil(len(large) / columns) * down - GAP))
    for place, image in enumerate(large):
        found.paste(image, (place % columns * across, place // columns * down))
    return found
