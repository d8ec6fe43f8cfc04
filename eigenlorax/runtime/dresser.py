"""Puts what is to be worn on a base model, in its weights or beside them, and takes it off again."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from diffusers import StableDiffusionXLPipeline
from torch import nn

from eigenlorax.dials import Region
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.outfit import Outfit
from eigenlorax.runtime.passes import passes_for
from eigenlorax.runtime.stacking import stack_layers
from eigenlorax.runtime.styled import StyledPart
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

_TEXT = (Component.TEXT_ENCODER, Component.TEXT_ENCODER_2)
_ENCODERS = [list(Region).index(region) for region in (Region.TEXT_ENCODER, Region.TEXT_ENCODER_2)]


@runtime_checkable
class Dressable(Protocol):
    """A model that can wear styles."""

    @property
    def pipeline(self) -> StableDiffusionXLPipeline:
        """Its parts."""

    @property
    def parameters(self) -> Mapping[ModulePath, nn.Parameter]:
        """What styles may change, by canonical path."""

    @property
    def modules(self) -> Mapping[ModulePath, nn.Module]:
        """The modules of these, by the canonical path of their weight."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""


class Dresser:
    """The two ways to wear styles, over one set of pristine weights.

    Args:
        base: The model.
        budget: Most bytes of styles to keep on the device beside those worn.
    """

    def __init__(self, base: Dressable, budget: int) -> None:
        self._base, self._budget = base, budget
        self.injection = Injection(base.parameters, passes_for(base.device, base.pipeline.unet.dtype))
        self._unet, self._text = (LiveInjection(base.modules) for _ in range(2))
        self._parts: dict[Mode | None, StyledPart] = {}
        self._subspace: Subspace | None = None
        self._device = base.device

    @property
    def nbytes(self) -> int:
        """Bytes on the device that styles take: as stored, and as worn."""
        return sum(part.nbytes for part in self._parts.values())

    @property
    def resident_bytes(self) -> int:
        """Of these, bytes of styles as stored."""
        return sum(part.resident_bytes for part in self._parts.values())

    def bytes_for(self, subspace: Subspace, styles: Mapping[str, Style], worn: Sequence[Style]) -> int:
        """Bytes on the device once these styles are worn live."""
        parts = [self._part(subspace, mode) for mode in (Mode.LIVE, None)]
        return sum(part.bytes_for(worn, styles) for part in parts)

    # Buffers made in inference mode, as when rows are first known amid a step, could not be written later.
    @torch.inference_mode(False)
    def dress_unet(self, outfit: Outfit, mode: Mode, rows: int, progress: float = 0.0) -> int:
        """Make the UNet wear this; returns what names the buffers beside the weights that it then reads.

        Args:
            outfit: One blend, or one for each picture of a batch.
            mode: Merged or live; merged serves one blend only.
            rows: Rows of the UNet's batch, a multiple of the blends; 1 where one blend serves all.
            progress: Share of the steps that are done, in [0, 1].
        """
        weights = outfit.weights(outfit.worn, progress).repeat(rows // len(outfit.blends), 1, 1)
        pool = self._part(outfit.subspace, mode).wear(outfit.worn, weights, outfit.styles)
        if mode is Mode.MERGED:
            self._unet.eject()
            self.injection.apply_batches(pool.batches)
            return 0
        self.injection.eject()
        self._unet.add(pool.factors(rows))
        return pool.serial

    def dress_text(self, outfit: Outfit) -> tuple[list[Style], tuple[float, ...]]:
        """Make the text encoders wear this, live; returns the styles that change them and their strengths."""
        part = self._part(outfit.subspace, None)
        changed = [style for style in outfit.worn if part.touched_by(style)]
        if not changed:
            self._text.eject()
            return [], ()
        weights = outfit.weights(changed)
        self._text.add(part.wear(changed, weights, outfit.styles).factors(len(outfit.blends)))
        return changed, tuple(weights[:, :, _ENCODERS].flatten().tolist())

    def dress_in_layers(self, layers: Mapping[ModulePath, LoRALayer], mode: Mode) -> None:
        """Make all parts wear plain low-rank layers and nothing else."""
        self.undress()
        if mode is Mode.MERGED:
            self.injection.apply(layers)
        else:
            device = self._base.device
            self._unet.wear(stack_layers([layers], device), torch.ones(1, 1, device=device))

    def undress(self) -> None:
        """Put the base back bit for bit."""
        self._unet.eject()
        self._text.eject()
        self.injection.eject()

    def forget_weights(self) -> None:
        """Give back the memory of merging: the pristine copies, and the pool that is laid out for it."""
        self.undress()
        self._parts.pop(Mode.MERGED, None)
        self.injection.forget()

    def _part(self, subspace: Subspace, mode: Mode | None) -> StyledPart:
        """What serves the UNet in this mode, or with None the text encoders."""
        if self._subspace is not subspace or self._device != self._base.device:
            self._parts.clear()
            self._subspace, self._device = subspace, self._base.device
        if mode not in self._parts:
            components = _TEXT if mode is None else (Component.UNET,)
            paths = [path for path in self._base.parameters if path.component in components]
            dtype = getattr(self._base.pipeline, components[0].value).dtype
            self._parts[mode] = StyledPart(
                subspace, paths, self._device, dtype, even=mode is Mode.MERGED, budget=self._budget,
                let_go=self._text.eject if mode is None else self._unet.eject,
            )  # fmt: skip
        return self._parts[mode]
