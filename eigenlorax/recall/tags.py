"""LoRA tags in a prompt, `<lora:name:strength>`, as A1111 and its kin write and read them."""

import re
from collections.abc import Mapping

from eigenlorax.dials import AS_IT_IS, Dials, StyleDials
from eigenlorax.recall.bounded import number
from eigenlorax.recall.recalled import RecalledLora, stem_of
from eigenlorax.recipe import StyleBlend

_TAG = re.compile(r"(?:[ \t]*,)?[ \t]*<(?:lora|lyco):([^<>\n]{1,400})>", re.IGNORECASE)
_LEADING = re.compile(r"^[ \t]*,[ \t]*")


def exact(value: float) -> str:
    """A number with as few digits as tell it apart from all others."""
    return short if float(short := f"{value:g}") == value else repr(float(value))


def lora_tags(styles: StyleBlend, dials: StyleDials) -> str:
    """The tags of a blend, each with a space before it; styles at 0 are left out.

    Where both text encoders turn a style up or down alike, the tag says so in A1111's way:
    `<lora:name:text encoders:UNet>`.
    """
    return "".join(
        f" <lora:{name}:{_strengths(strength, dials.get(name, AS_IT_IS))}>"
        for name, strength in styles.items()
        if strength
    )


def _strengths(strength: float, dials: Dials) -> str:
    if dials.text_encoder != dials.text_encoder_2:
        return exact(strength)
    encoders, unet = strength * dials.text_encoder, strength * dials.unet
    return exact(unet) if encoders == unet else f"{exact(encoders)}:{exact(unet)}"


def split_tags(prompt: str) -> tuple[str, tuple[RecalledLora, ...]]:
    """A prompt without its tags, and the LoRAs that they name.

    Source: AUTOMATIC1111, modules/extra_networks.py and extensions-builtin/Lora
    (extra_networks_lora.py): arguments are split on ":", `te=` and `unet=` name them, the UNet's strength
    is the text encoders' where it is not given, and that is 1.
    """
    found: list[RecalledLora] = []

    def take(match: re.Match[str]) -> str:
        lora = _lora(match.group(1))
        if lora is None:
            return match.group()
        found.append(lora)
        return ""

    left = _TAG.sub(take, prompt)
    return (_LEADING.sub("", left) if found else prompt), tuple(found)


def _lora(arguments: str) -> RecalledLora | None:
    name, *rest = arguments.split(":")
    places: list[str] = []
    named: dict[str, str] = {}
    for argument in rest:
        key, equals, value = argument.partition("=")
        if equals:
            named[key.strip().lower()] = value
        else:
            places.append(argument)
    encoders = number(named.get("te", places[0] if places else "1"))
    unet = number(named["unet"] if "unet" in named else places[1] if len(places) > 1 else encoders)
    if not name.strip() or encoders is None or unet is None:
        return None
    return RecalledLora(stem_of(name), unet, text_encoder=None if encoders == unet else encoders)


def hashes_from(words: str) -> Mapping[str, str]:
    """Name -> hash from A1111's `Lora hashes`, "name: 0123456789ab, other: ..."."""
    pairs = (pair.rpartition(":") for pair in words.split(","))
    return {name.strip(): digest.strip().lower() for name, _, digest in pairs if name.strip()}
