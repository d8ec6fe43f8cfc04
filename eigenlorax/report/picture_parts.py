"""Parts of the report that hold pictures: styles beside their LoRAs, and the leading components."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from PIL import Image

from eigenlorax.likeness import StyleLikeness
from eigenlorax.report.html_page import section
from eigenlorax.subspace.components import Component

_SIDE = 144
_TOLD = 4


@dataclass(frozen=True)
class Trio:
    """One prompt and seed drawn three times: without a style, with the original LoRA, with its style."""

    base: Image.Image
    original: Image.Image
    style: Image.Image


@dataclass(frozen=True)
class ComponentPictures:
    """A leading component, and one prompt drawn against it, without it and along it."""

    component: Component
    minus: Image.Image
    base: Image.Image
    plus: Image.Image


def percent(share: float | None) -> str:
    """A relative distance for people."""
    return "no effect" if share is None else f"{share:.0%}"


def style_pictures(figures: Mapping[str, StyleLikeness], trios: Mapping[str, Trio]) -> str:
    """Every style that was drawn, farthest from its LoRA first; nothing when none was."""
    if not trios:
        return ""
    one = next(iter(figures.values()))
    drawn = f"{', '.join(one.prompts)}; seed {', '.join(map(str, one.seeds))}; {one.steps} steps"
    cells = "".join(
        _style(name, figures[name], trios[name])
        for name in sorted(trios, key=lambda name: -(figures[name].relative or 0.0))
    )
    return section(
        "Each style in pictures",
        "Three pictures of one prompt and seed: no style, the original LoRA, the style of the subspace. The "
        "first figure is the distance from the style's pictures to the original's: 100% is as far as no "
        "style at all; the second is the same for structure (1 - SSIM). "
        f"Drawn: {drawn}; trigger words are added.",
        "a picture may be far in pixels and alike to the eye, such as when an outline has moved. Few prompts "
        "and seeds were drawn, so small differences between styles are chance.",
        f'<div class="shots">{cells}</div>',
    )


def component_pictures(drawn: Sequence[ComponentPictures]) -> str:
    """Every component that was drawn, strongest first; nothing when none was."""
    if not drawn:
        return ""
    cells = "".join(_component(number, one) for number, one in enumerate(drawn, start=1))
    return section(
        "What the leading components look like",
        "The strongest directions of the whole collection over all modules, each a mixture of its LoRAs. One "
        "prompt and seed against the mixture, without it, and along it, as strong as the collection's middle "
        "LoRA. Whatever shows here, wanted or not, is what a shared basis learns first.",
        "where the LoRAs share nothing, each component holds little more than one LoRA's part and its "
        "mixture is nearly a matter of chance. A component is no concept, and one prompt shows only a part.",
        f'<div class="shots">{cells}</div>',
    )


def components_json(components: Sequence[Component]) -> list[dict[str, Any]]:
    """The leading components for programs: shares, signed loads, and who dominates."""
    return [
        {
            "share": one.share,
            "expected": one.expected,
            "dominant": one.dominant,
            "loads": dict(one.loads),
            "strengths": dict(one.strengths),
        }
        for one in components
    ]


def _style(name: str, figure: StyleLikeness, trio: Trio) -> str:
    pictures = (
        _image(trio.base, "no style"),
        _image(trio.original, f"original LoRA {name}"),
        _image(trio.style, f"style {name}"),
    )
    return (
        f'<figure><div class="trio">{"".join(pictures)}</div><figcaption><b>{escape(name)}</b> '
        f"{percent(figure.relative)} of the way to no style, structure {percent(figure.relative_structure)}; "
        f"root mean square {figure.rms:.3f}, SSIM {figure.ssim:.2f}</figcaption></figure>"
    )


def _component(number: int, drawn: ComponentPictures) -> str:
    component = drawn.component
    parts = ", ".join(f"{escape(name)} {load:+.2f}" for name, load in list(component.loads.items())[:_TOLD])
    more = len(component.loads) - _TOLD
    parts += f" and {more} more" if more > 0 else ""
    dominant = (
        f"<b>{escape(component.dominant)} dominates it</b> ({component.loads[component.dominant] ** 2:.0%})"
        if component.dominant
        else f"none dominates (most: {next(iter(component.loads.values())) ** 2:.0%})"
    )
    pictures = (
        _image(drawn.minus, f"against component {number}"),
        _image(drawn.base, "without it"),
        _image(drawn.plus, f"along component {number}"),
    )
    return (
        f'<figure><div class="trio">{"".join(pictures)}</div><figcaption><b>Component {number}</b> holds '
        f"{component.share:.1%} of the energy (strangers: {component.expected:.1%}); {dominant}. "
        f"Loaded by {parts}.</figcaption></figure>"
    )


def _image(picture: Image.Image, words: str) -> str:
    return (
        f'<img src="{data_url(picture)}" alt="{escape(words)}" title="{escape(words)}" width="{_SIDE}" '
        f'height="{_SIDE}">'
    )


def data_url(picture: Image.Image, side: int = _SIDE) -> str:
    """A small square copy of a picture as text, for a page that needs nothing beside itself."""
    buffer = io.BytesIO()
    small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    small.save(buffer, "WEBP", quality=82)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
