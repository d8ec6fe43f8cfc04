"""Which styles the model wears now, by which of two engines, and how long the last change took."""

import time
from collections.abc import Mapping, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from eigenlorax.dials import Region, StyleDials
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime.brush import Brush, plain
from eigenlorax.runtime.control import Control, controlled
from eigenlorax.runtime.facts import BaseFacts
from eigenlorax.runtime.graph import Captured, Recorder
from eigenlorax.runtime.hardware import synchronize
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.outfit import Outfit, outfit_of
from eigenlorax.runtime.passes import passes_for
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.runtime.stacking import stack_layers
from eigenlorax.runtime.styled import StyledPart
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace

_NO_DIALS: StyleDials = {}
_TEXT = (Component.TEXT_ENCODER, Component.TEXT_ENCODER_2)


class Mode(StrEnum):
    """How the UNet wears styles.

    MERGED: in its weights, at no cost a step; needs a second copy of the weights that styles change.
    LIVE: beside its weights; needs little memory, and each picture of a batch, and each step, may wear a
    blend of its own.

    Text encoders, which run once for a prompt, always wear them live.
    """

    MERGED = "merged"
    LIVE = "live"


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
        self.base, self.mode = base, mode
        self._budget = budget
        self._injection = Injection(base.parameters, passes_for(base.device, base.pipeline.unet.dtype))
        self.facts = BaseFacts(base.name, self._injection)
        self._unet_live, self._text_live = (LiveInjection(base.modules) for _ in range(2))
        self._parts: dict[Mode | None, StyledPart] = {}
        self._subspace: Subspace | None = None
        self._outfit: Outfit | None = None
        self._now = Mode.MERGED
        self._text_key: object = ()
        self._serials: dict[str, tuple[Style, int]] = {}
        self._rows = 1
        #: Names the buffers beside the weights that the UNet reads; None where they are made for one use.
        self._buffers: int | None = 0
        self._plain = plain(base.pipeline).unet
        self._captured = Captured(self._call, recorder) if recorder else None

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return self.base.device

    @property
    def recordings(self) -> int:
        """How many recorded calls of the UNet are kept."""
        return len(self._captured) if self._captured else 0

    @property
    def nbytes(self) -> int:
        """Bytes on the device that styles take: as stored, and as worn."""
        return sum(part.nbytes for part in self._parts.values())

    @property
    def resident_bytes(self) -> int:
        """Of these, bytes of styles as stored."""
        return sum(part.resident_bytes for part in self._parts.values())

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
        if self._subspace is not subspace:
            self._parts.clear()
            self._subspace = subspace
        self._now = Mode.LIVE if outfit.per_picture or outfit.curved else self.mode
        self._rows = len(outfit.blends)
        self._wear_in_unet(outfit)
        self._wear_in_text(outfit)
        self._outfit = outfit
        synchronize(self.device)
        return (time.perf_counter() - started) * 1000.0

    def wear_lora(self, lora: LoRA, strength: float) -> float:
        """Make the model wear an original LoRA, for comparison; returns milliseconds, reading included."""
        started = time.perf_counter()
        self._undress()
        layers = {path: lora.layers[path].scaled(strength) for path in lora.layers}
        if self.mode is Mode.MERGED:
            self._injection.apply(layers)
        else:
            updates = stack_layers([layers], self.device)
            self._unet_live.wear(updates, torch.ones(1, 1, device=self.device))
            self._buffers = None
        self._text_key = lora.name, lora.sha256, strength
        synchronize(self.device)
        return (time.perf_counter() - started) * 1000.0

    def bake_blend(self, subspace: Subspace, styles: Mapping[str, Style], strengths: StyleBlend) -> None:
        """Write a blend into the weights of all parts, text encoders too, as an export reads them."""
        self._undress()
        self._injection.apply(blend_layers(subspace, styles, strengths))
        self._text_key = None

    def wear_nothing(self) -> float:
        """Put the base back bit for bit; returns milliseconds."""
        started = time.perf_counter()
        self._undress()
        synchronize(self.device)
        return (time.perf_counter() - started) * 1000.0

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
        self._outfit, self._rows, self._text_key, self._buffers = None, 1, (), 0
        self._unet_live.eject()
        self._text_live.eject()
        self._injection.eject()

    def _part(self, outfit: Outfit, mode: Mode | None) -> StyledPart:
        """What serves the UNet in this mode, or with None the text encoders."""
        if mode not in self._parts:
            components = _TEXT if mode is None else (Component.UNET,)
            paths = [path for path in self.base.parameters if path.component in components]
            dtype = getattr(self.base.pipeline, components[0].value).dtype
            self._parts[mode] = StyledPart(
                outfit.subspace, paths, self.device, dtype, even=mode is Mode.MERGED, budget=self._budget
            )
        return self._parts[mode]

    def _wear_in_unet(self, outfit: Outfit, progress: float = 0.0) -> None:
        weights = outfit.weights(outfit.worn, progress).repeat(self._rows // len(outfit.blends), 1, 1)
        pool = self._part(outfit, self._now).wear(outfit.worn, weights, outfit.styles)
        if self._now is Mode.MERGED:
            self._unet_live.eject()
            self._injection.apply_batches(pool.batches)
            self._buffers = 0
        else:
            self._injection.eject()
            self._unet_live.add(pool.factors(self._rows))
            self._buffers = pool.serial

    def _wear_in_text(self, outfit: Outfit) -> None:
        part = self._part(outfit, None)
        changed = [style for style in outfit.worn if part.touched_by(style)]
        if not changed:
            self._text_live.eject()
            self._text_key = ()
            return
        weights = outfit.weights(changed)
        pool = part.wear(changed, weights, outfit.styles)
        self._text_live.add(pool.factors(len(outfit.blends)))
        regions = list(Region)
        first, second = regions.index(Region.TEXT_ENCODER), regions.index(Region.TEXT_ENCODER_2)
        strengths = weights[:, :, [first, second]].flatten().tolist()
        self._text_key = tuple(self._serial(style) for style in changed), tuple(strengths)

    def _serial(self, style: Style) -> int:
        """A number for this very style: one that has learnt since gets another."""
        known, serial = self._serials.get(style.name, (None, 0))
        if known is not style:
            serial += 1
            self._serials[style.name] = style, serial
        return hash((style.name, serial))

    def _key_of_text(self) -> object:
        """Names what the text encoders wear and which words they know."""
        if self._text_key is None:
            return None
        pipeline = self.base.pipeline
        return self._text_key, len(pipeline.tokenizer), len(pipeline.tokenizer_2)

    def _at_step(self, index: int, total: int) -> None:
        outfit = self._outfit
        if outfit is not None and outfit.curved:
            self._wear_in_unet(outfit, index / max(1, total - 1))

    def _ready(self, rows: int) -> None:
        """With a blend for each picture the UNet gets a row of strengths for each of its rows."""
        outfit = self._outfit
        if outfit is not None and outfit.per_picture and rows != self._rows:
            self._rows = rows
            self._wear_in_unet(outfit)

    def _ask(self, latents: Tensor, timestep: Tensor, prompt: Prompt) -> Tensor:
        self._ready(latents.shape[0])
        if self._captured is None or self._buffers is None:
            return self._plain(latents, timestep, prompt)
        now = torch.as_tensor(timestep, device=latents.device).reshape(())
        key = self._injection.moves, self._buffers
        return self._captured(key, latents, now, prompt.tokens, prompt.pooled, prompt.time_ids)

    def _call(self, latents: Tensor, timestep: Tensor, tokens: Tensor, pooled: Tensor, ids: Tensor) -> Tensor:
        return self._plain(latents, timestep, Prompt(tokens, pooled, ids))
