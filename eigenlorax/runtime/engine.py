"""Which styles the model wears now, how it is asked, and how long the last change took."""

import time
import weakref
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from eigenlorax.dials import StyleDials
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime.brush import Brush, plain
from eigenlorax.runtime.control import Control, controlled
from eigenlorax.runtime.dresser import Dresser
from eigenlorax.runtime.facts import BaseFacts
from eigenlorax.runtime.graph import Captured, Recorder
from eigenlorax.runtime.hardware import synchronize
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.outfit import Outfit, outfit_of
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace

_NO_DIALS: StyleDials = {}


class Engine:
    """Puts blends of styles, or one original LoRA, into a base model and takes them out again.

    Args:
        base: The loaded model.
        mode: How the UNet wears one blend; a blend for each picture and curves are always live.
        recorder: Records the UNet's call where that makes it quicker; None runs it as it is.
        budget: Most bytes of styles to keep on the device beside those worn.
    """

    def __init__(
        self,
        base: BaseModel,
        mode: Mode = Mode.MERGED,
        recorder: Recorder | None = None,
        budget: int = 1 << 40,
    ) -> None:
        self.base, self._mode = base, mode
        self._dresser = Dresser(base, budget)
        self.facts = BaseFacts(base.name, self._dresser.injection)
        self._outfit: Outfit | None = None
        self._now, self._rows = mode, 1
        self._text_key: object = (), ()
        self._serials: dict[str, tuple[weakref.ref[Style], int]] = {}
        #: Names the buffers beside the weights that the UNet reads; None where they are made for one use.
        self._buffers: int | None = 0
        self._plain = plain(base.pipeline).unet
        self._captured = Captured(self._call, recorder) if recorder else None
        self._recorded = True

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return self.base.device

    @property
    def mode(self) -> Mode:
        """How the UNet wears what it wears."""
        return self._now

    @property
    def basis(self) -> str:
        """Hash of the subspace whose styles, or none of them, are worn; empty where something else is."""
        return self._outfit.subspace.hash if self._outfit else ""

    @property
    def recordings(self) -> int:
        """How many recorded calls of the UNet are kept."""
        return len(self._captured) if self._captured else 0

    @property
    def nbytes(self) -> int:
        """Bytes on the device that styles take: as stored, and as worn."""
        return self._dresser.nbytes

    @property
    def resident_bytes(self) -> int:
        """Of these, bytes of styles as stored."""
        return self._dresser.resident_bytes

    def bytes_for(self, subspace: Subspace, styles: Mapping[str, Style], worn: Sequence[str]) -> int:
        """Bytes on the device once these styles are worn live.

        Raises:
            UnknownStyleError, SubspaceMismatchError: as `chosen`.
        """
        outfit = outfit_of(subspace, styles, [dict.fromkeys(worn, 1.0)], _NO_DIALS)
        return self._dresser.bytes_for(subspace, styles, outfit.worn)

    def pristine_bytes(self, subspace: Subspace) -> int:
        """Bytes of the second copy of the UNet's weights that merging needs."""
        unet = (path for path in subspace.bases if path.component is Component.UNET)
        return sum(self.base.parameters[path].nbytes for path in unet)

    def settle(self, mode: Mode, *, recorded: bool) -> None:
        """Choose how styles are worn from now on; takes off what is worn if that changes.

        Args:
            mode: Merged or live.
            recorded: Whether the UNet's calls may be recorded; not while its weights come and go.
        """
        if self._captured and not recorded:
            self._captured.forget()
        self._recorded = recorded
        if mode is not self._mode:
            self._mode = mode
            self._undress()

    def wear_blend(
        self,
        subspace: Subspace,
        styles: Mapping[str, Style],
        strengths: StyleBlend,
        dials: StyleDials = _NO_DIALS,
    ) -> float:
        """Make the model wear exactly this blend of styles.

        Returns:
            Milliseconds the change took; 0.0 when the model wears the blend already.

        Raises:
            UnknownStyleError, SubspaceMismatchError: as `chosen`.
        """
        return self.wear_blends(subspace, styles, [strengths], dials)

    def wear_blends(
        self,
        subspace: Subspace,
        styles: Mapping[str, Style],
        blends: Sequence[StyleBlend],
        dials: StyleDials = _NO_DIALS,
    ) -> float:
        """Make the model wear a blend of its own for each picture of the batches to come.

        Args:
            blends: One for each picture; a single one serves batches of any size.

        Returns, Raises: as `wear_blend`.
        """
        outfit = outfit_of(subspace, styles, blends, dials)
        if self._outfit is not None and outfit.same(self._outfit):
            return 0.0
        started = time.perf_counter()
        self._outfit = None  # an exception halfway must not leave a claim about what is worn
        self._now = Mode.LIVE if outfit.per_picture or outfit.curved else self._mode
        self._rows = len(outfit.blends)
        self._buffers = self._dresser.dress_unet(outfit, self._now, self._rows)
        changed, strengths = self._dresser.dress_text(outfit)
        self._text_key = tuple(self._serial(style) for style in changed), strengths
        self._outfit = outfit
        return self._since(started)

    def wear_lora(self, lora: LoRA, strength: float) -> float:
        """Make the model wear an original LoRA, for comparison; returns milliseconds, reading included."""
        started = time.perf_counter()
        self._undress()
        layers = {path: lora.layers[path].scaled(strength) for path in lora.layers}
        self._dresser.dress_in_layers(layers, self._mode)
        self._buffers = 0 if self._mode is Mode.MERGED else None
        # A LoRA of no file has a name that others have had before it.
        self._text_key = (lora.name, lora.sha256, strength) if lora.sha256 else None
        return self._since(started)

    def bake_blend(self, subspace: Subspace, styles: Mapping[str, Style], strengths: StyleBlend) -> None:
        """Write a blend into the weights of all parts, text encoders too, as an export reads them."""
        self._undress()
        self._dresser.dress_in_layers(blend_layers(subspace, styles, strengths), Mode.MERGED)
        self._text_key = None

    def wear_nothing(self) -> float:
        """Put the base back bit for bit; returns milliseconds."""
        started = time.perf_counter()
        self._undress()
        return self._since(started)

    def brush(self, control: Control | None = None) -> Brush:
        """How to ask the model as it is dressed now; with a ControlNet always as it is, never recorded."""
        per_picture = self._outfit is not None and self._outfit.per_picture
        if control is None:
            return Brush(self._ask, self._at_step, self._key_of_text(), per_picture)
        guided = controlled(self.base.pipeline, control)
        progress = 0.0

        def at_step(index: int, total: int) -> None:
            nonlocal progress
            progress = index / max(1, total - 1)
            self._at_step(index, total)

        def unet(latents: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
            if not control.start <= progress <= control.end:
                return self._ask(latents, timestep, prompt)
            self._ready(latents.shape[0])
            return guided(latents, timestep, prompt)

        return Brush(unet, at_step, self._key_of_text(), per_picture)

    def _undress(self) -> None:
        self._outfit, self._now, self._rows = None, self._mode, 1
        self._text_key, self._buffers = ((), ()), 0
        if self._mode is Mode.LIVE:  # which an export, too, must leave without a second copy of the weights
            self._dresser.forget_weights()
        else:
            self._dresser.undress()

    def _since(self, started: float) -> float:
        synchronize(self.device)
        return (time.perf_counter() - started) * 1000.0

    def _serial(self, style: Style) -> tuple[str, int]:
        """A name for this very style: one that has learnt since gets another."""
        known, serial = self._serials.get(style.name, (None, 0))
        if known is None or known() is not style:
            serial += 1
            self._serials[style.name] = weakref.ref(style), serial
        return style.name, serial

    def _key_of_text(self) -> object:
        """Names what the text encoders wear and which words they know."""
        if self._text_key is None:
            return None
        pipeline = self.base.pipeline
        return self._text_key, len(pipeline.tokenizer), len(pipeline.tokenizer_2)

    def _at_step(self, index: int, total: int) -> None:
        outfit = self._outfit
        if outfit is not None and outfit.curved:
            self._dress_anew(outfit, self._rows, index / max(1, total - 1))

    def _ready(self, rows: int) -> None:
        """With a blend for each picture the UNet gets a row of strengths for each of its rows."""
        outfit = self._outfit
        if outfit is not None and outfit.per_picture and rows != self._rows:
            self._dress_anew(outfit, rows)

    def _dress_anew(self, outfit: Outfit, rows: int, progress: float = 0.0) -> None:
        """The UNet wears the same, for other rows or at another step."""
        self._outfit = None  # as in `wear_blends`
        self._buffers = self._dresser.dress_unet(outfit, self._now, rows, progress)
        self._outfit, self._rows = outfit, rows

    def _ask(self, latents: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        self._ready(latents.shape[0])
        if self._captured is None or self._buffers is None or not self._recorded:
            return self._plain(latents, timestep, prompt)
        now = torch.as_tensor(timestep, device=latents.device).reshape(())
        key = self._dresser.injection.moves, self._buffers, self._rows
        return self._captured(key, latents, now, prompt.tokens, prompt.pooled, prompt.time_ids)

    def _call(self, latents: Tensor, timestep: Tensor, tokens: Tensor, pooled: Tensor, ids: Tensor) -> Tensor:
        return self._plain(latents, timestep, Prompt(tokens, pooled, ids))
