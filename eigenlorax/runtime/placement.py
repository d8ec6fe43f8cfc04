"""A plan put into effect: where a pipeline's weights lie, and an exact way back.

diffusers' own offloads are not used: sequential offload replaces every nn.Parameter, so that whoever holds
one (a style's injection) holds a dead one, and model offload keeps the last part on the card. Here a
parameter stays the same object; its data goes out to the card and comes home.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from types import TracebackType

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from eigenlorax.runtime.hardware import release_cache
from eigenlorax.runtime.narrow import Narrowed
from eigenlorax.runtime.options import Placement
from eigenlorax.runtime.plan import TILE, Plan

_HOME = torch.device("cpu")


@dataclass(frozen=True)
class _Whereabouts:
    """What diffusers' `_execution_device` looks for on a part whose weights are elsewhere just now."""

    execution_device: torch.device


class Placed:
    """A pipeline and where its parts lie; on the CPU at first.

    Leaving the `with` block, also through an exception, brings everything home and takes every hook away.

    Args:
        pipeline: Loaded, on the CPU.
        card: Where it is to compute.
    """

    def __init__(self, pipeline: StableDiffusionXLPipeline, card: torch.device) -> None:
        self._pipeline, self._card = pipeline, card
        self._plan = Plan(Placement.CPU)
        self._handles: list[RemovableHandle] = []
        self._homes: dict[Tensor, Tensor] = {}
        self._guest: nn.Module | None = None
        self._narrowed: Narrowed | None = None
        vae = pipeline.vae
        self._vae_before = (
            vae.use_tiling, vae.use_slicing, vae.tile_sample_min_size, vae.tile_latent_min_size
        )  # fmt: skip

    @property
    def plan(self) -> Plan:
        """What is in effect."""
        return self._plan

    @property
    def device(self) -> torch.device:
        """Where inputs must lie and where it is computed, wherever the weights are just now."""
        return _HOME if self._plan.placement is Placement.CPU else self._card

    # Data made in inference mode could not be written outside of it later.
    @torch.inference_mode(False)
    def take(self, plan: Plan) -> None:
        """Put a plan into effect; what is so already is left alone.

        Raises:
            torch.OutOfMemoryError: the parts do not fit; `take` a leaner plan, or `release`.
        """
        kept = (plan.placement, plan.narrow) == (self._plan.placement, self._plan.narrow)
        if not kept:
            self.release()
        self._plan = plan
        self._set_vae(plan)
        if kept:
            return
        if plan.narrow:
            self._narrowed = Narrowed(self._pipeline.unet)
        if plan.placement is Placement.GPU:
            try:
                self._pipeline.to(self._card)
            except torch.OutOfMemoryError:
                self.release()
                raise
            return
        for part in self._parts():
            part.__dict__["_hf_hook"] = _Whereabouts(self._card)
        if plan.placement is Placement.MODEL_OFFLOAD:
            for part, entries in self._entries():
                for entry in entries:
                    visit = partial(self._visit, part)
                    self._handles.append(entry.register_forward_pre_hook(visit, prepend=True))
        else:
            for part in self._parts():
                self._carry(part.buffers())
                for layer in part.modules():
                    if any(True for _ in layer.parameters(recurse=False)):
                        self._handles.append(layer.register_forward_pre_hook(self._enter, prepend=True))
                        self._handles.append(layer.register_forward_hook(self._leave))

    def rest(self) -> None:
        """After a picture, or one that failed: under an offload, nothing but buffers stays on the card."""
        if self._plan.placement is Placement.MODEL_OFFLOAD:
            self._send_home(list(self._homes), written=not (self._plan.frozen or self._plan.narrow))
            self._guest = None
            release_cache(self._card)
        elif self._plan.placement is Placement.SEQUENTIAL:
            self._send_home([held for held in self._homes if isinstance(held, nn.Parameter)], written=False)
            release_cache(self._card)

    @torch.inference_mode(False)
    def release(self) -> None:
        """Everything back on the CPU, every hook away, the VAE as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for part in self._parts():
            part.__dict__.pop("_hf_hook", None)
        self.rest()
        self._send_home(list(self._homes), written=False)
        if self._narrowed is not None:
            self._narrowed.release()
            self._narrowed = None
        self._pipeline.to(_HOME, silence_dtype_warnings=True)
        self._plan = Plan(Placement.CPU)
        vae = self._pipeline.vae
        vae.use_tiling, vae.use_slicing, vae.tile_sample_min_size, vae.tile_latent_min_size = self._vae_before
        release_cache(self._card)

    def renew(self) -> None:
        """Put the plan into effect once more, after layers were exchanged (new words in a vocabulary)."""
        plan = self._plan
        if plan.placement is not Placement.SEQUENTIAL:
            return  # the others hold no layer of their own
        self.release()
        self.take(plan)

    def __enter__(self) -> "Placed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _set_vae(self, plan: Plan) -> None:
        """SDXL's VAE takes a picture of 1024 x 1024 for a single tile, so that the tile must be set too."""
        vae = self._pipeline.vae
        vae.use_tiling, vae.use_slicing = plan.tiling, True
        whole = self._vae_before[2]
        vae.tile_sample_min_size = min(TILE, whole)
        vae.tile_latent_min_size = self._vae_before[3] * min(TILE, whole) // whole

    def _parts(self) -> list[nn.Module]:
        pipeline = self._pipeline
        return [pipeline.text_encoder, pipeline.text_encoder_2, pipeline.unet, pipeline.vae]

    def _entries(self) -> Iterable[tuple[nn.Module, list[nn.Module]]]:
        """Each part with the modules through which it is called; the VAE is never called as a whole."""
        *others, vae = self._parts()
        for part in others:
            yield part, [part]
        yield vae, list(vae.children())

    def _visit(self, part: nn.Module, *_: object) -> None:
        """A part is called: it comes to the card, and the one before goes home, written changes and all."""
        if part is not self._guest:
            self.rest()
            self._guest = part
            self._carry([*part.parameters(), *part.buffers()])

    def _enter(self, layer: nn.Module, *_: object) -> None:
        self._carry(layer.parameters(recurse=False))

    def _leave(self, layer: nn.Module, *_: object) -> None:
        self._send_home(layer.parameters(recurse=False), written=False)

    @torch.inference_mode(False)
    @torch.no_grad()
    def _carry(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            if tensor not in self._homes:
                home = tensor.data
                there = home.to(self._card, copy=True)
                tensor.data = there if self._narrowed is None else self._narrowed.kept(tensor, there)
                self._homes[tensor] = home

    @torch.inference_mode(False)
    @torch.no_grad()
    def _send_home(self, tensors: Iterable[Tensor], *, written: bool) -> None:
        for tensor in tensors:
            if (home := self._homes.pop(tensor, None)) is not None:
                if written:
                    home.copy_(tensor.data)
                tensor.data = home
