"""A style inside a picture: a PNG file whose private chunks carry it, to be dropped back into the program.

The picture is an ordinary PNG. Behind its pixels stand chunks of type `elSt`: ancillary, private, and safe to
copy, in pieces of 1 MiB. Put together they are what the card says of itself and a safetensors file
(`card_content`). That holds the tensors of the style file under `style.`, the metadata of each part as JSON
and, in a whole card, the tensors of a subspace file with no more than the style needs under `subspace.`.

Why no text chunk: pillow refuses a picture with compressed text of over 1 MiB, viewers show text, and base64
costs a third more. libpng refuses chunks of over 8 MB, hence pieces. Such chunks stay when a file is copied,
sent as a file or zipped. Whatever encodes a picture anew drops them, as it drops most text: picture editors,
messengers and sites that make their own version of what is uploaded.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import load as load_tensors
from torch import Tensor

from eigenlorax.errors import InvalidFileError, InvalidRequestError, SubspaceMismatchError
from eigenlorax.formats.png_chunks import read_chunks
from eigenlorax.formats.stream import Entry, header_bytes, in_file_order
from eigenlorax.library.atomic import written_aside
from eigenlorax.library.bundle import checked_name
from eigenlorax.library.card_content import (
    MAX_CONTENT,
    MAX_PAYLOAD_BYTES,
    REMEDY,
    CardFacts,
    CardKind,
    inflated,
    joined,
    split,
    strings,
)
from eigenlorax.library.kinds import believed
from eigenlorax.library.provenance import provenance_of
from eigenlorax.library.style_file import style_from, style_parts
from eigenlorax.library.subspace_file import subspace_from, subspace_parts
from eigenlorax.subspace.excerpt import excerpt
from eigenlorax.subspace.numbers import raw
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

CHUNK = b"elSt"
_PIECE = 1 << 20
_STYLE, _SUBSPACE = "style.", "subspace."
_NEEDED = ("energy_kept", "worst_kept", "zero_modules", "original_bytes", "style_bytes", "alone_bytes")
_ENDLESS = 1e300


@dataclass(frozen=True)
class StyleCard:
    """A card that has been read and whose checksum is right.

    Attributes:
        file_name: For messages.
        facts: What it says of itself.
        tensors: By the names of their part and their own.
        told: Part -> its metadata.
    """

    file_name: str
    facts: CardFacts
    tensors: Mapping[str, Tensor]
    told: Mapping[str, Mapping[str, str]]

    def unpacked(self, home: Subspace | None = None) -> tuple[Subspace, Style]:
        """The style and the subspace that it is in, all of it checked.

        Args:
            home: For a light card, the subspace that it was made for.

        Raises:
            InvalidFileError: numbers or words cannot be what they should be.
            SubspaceMismatchError: `home` is not the subspace of this card.
        """
        with believed(Path(self.file_name), REMEDY):
            if self.facts.kind is CardKind.WHOLE:
                home = subspace_from(self.file_name, self._under(_SUBSPACE), self.told[_SUBSPACE])
            told = self.told[_STYLE]
            if home is None or told["subspace"] != home.hash:
                raise SubspaceMismatchError(
                    f"{self.file_name} belongs to subspace {told['subspace'][:12]}: {REMEDY}, and whole"
                )
            style = style_from(self.file_name, self._under(_STYLE), told, home)
            checked_name(self.file_name, style.name)
            _check_words(self.file_name, style)
        return home, style

    def _under(self, part: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(part): tensor for name, tensor in self.tensors.items() if name.startswith(part)
        }


def pack_card(style: Style, subspace: Subspace, kind: CardKind = CardKind.LIGHT) -> bytes:
    """A style as the bytes that a picture carries; the same style gives the same bytes.

    Raises:
        InvalidRequestError: it is larger than a card may be; says what to do instead.
        SubspaceMismatchError: the style is of another subspace.
    """
    if style.subspace != subspace.hash:
        raise SubspaceMismatchError(
            f"{style.name} belongs to subspace {style.subspace[:12]}, not to {subspace.hash[:12]}"
        )
    home, shown = excerpt(style, subspace) if kind is CardKind.WHOLE else (subspace, style)
    parts = {_STYLE: style_parts(shown, home)}
    if kind is CardKind.WHOLE:
        parts[_SUBSPACE] = subspace_parts(home)
    tensors = {part + name: tensor for part, (named, _) in parts.items() for name, tensor in named.items()}
    size = sum(tensor.nbytes for tensor in tensors.values())
    if size > MAX_PAYLOAD_BYTES:
        raise InvalidRequestError(_too_large(style.name, kind, size))
    entries = in_file_order(Entry(name, part.dtype, tuple(part.shape)) for name, part in tensors.items())
    metadata = {part: json.dumps(told, ensure_ascii=False) for part, (_, told) in parts.items()}
    payload = header_bytes(entries, metadata) + b"".join(raw(tensors[entry.name]) for entry in entries)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise InvalidRequestError(_too_large(style.name, kind, len(payload)))
    facts = CardFacts(
        kind,
        style.name,
        subspace.hash,
        subspace.base.name if subspace.base else "",
        len(payload),
        hashlib.sha256(payload).hexdigest(),
    )
    return joined(facts, payload)


def save_card(content: bytes, picture: Image.Image, path: Path, parameters: str = "") -> None:
    """Write a picture that carries a style; the file appears whole or not at all.

    Args:
        content: What `pack_card` made.
        picture: Any that PNG can hold.
        path: Where to.
        parameters: How the picture was drawn, in A1111's grammar, for other programs to read.
    """
    info = PngInfo()
    if parameters:
        info.add_itxt("parameters", parameters)
    for start in range(0, len(content), _PIECE):
        info.add(CHUNK, content[start : start + _PIECE], after_idat=True)
    with written_aside(path) as aside:
        picture.save(aside, "PNG", pnginfo=info)


def read_card(path: Path) -> StyleCard:
    """Read the style that a picture carries; its pixels are not looked at.

    Raises:
        InvalidFileError: no PNG file, one that carries no style, or one that is damaged, too large, or of a
            later format.
    """
    content = read_chunks(path, CHUNK, MAX_CONTENT)
    if not content:
        raise InvalidFileError(
            f"{path.name} is a picture that carries no style; programs and sites that save pictures anew "
            "drop it: get the card as it was written, sent as a file"
        )
    facts, packed = split(path.name, content)
    payload = inflated(path.name, packed, facts)
    with believed(path, REMEDY):
        length = int.from_bytes(payload[:8], "little")
        told = json.loads(payload[8 : 8 + length])["__metadata__"]
        card = StyleCard(
            path.name,
            facts,
            load_tensors(payload),
            {part: strings(json.loads(told[part])) for part in (_STYLE, _SUBSPACE) if part in told},
        )
    for tensor in card.tensors.values():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InvalidFileError(f"{path.name} holds numbers that are none: do not trust it")
    return card


def _check_words(file_name: str, style: Style) -> None:
    """Raises InvalidFileError when what a style says of itself, and of its teaching, cannot be."""
    strings(style.notes)
    provenance_of(style)
    figures = asdict(style.fidelity)
    worst = figures.pop("worst_module")
    numbers = [value for value in figures.values() if value is not None]
    if (
        not all(isinstance(word, str) for word in (worst, *style.trigger_words))
        or not all(type(value) in (int, float) and abs(value) < _ENDLESS for value in numbers)
        or any(figures[name] is None for name in _NEEDED)
    ):
        raise InvalidFileError(f"{file_name} says of its style what cannot be: {REMEDY}")


def _too_large(name: str, kind: CardKind, size: int) -> str:
    advice = "export a bundle or a LoRA instead"
    if kind is CardKind.WHOLE:
        advice = f"make it a light one, for those who have the same subspace, or {advice}"
    return f"{name} takes {size:,} bytes, a card carries {MAX_PAYLOAD_BYTES:,} at most: {advice}"
