"""Styles on a pipeline that the user built: in their own program, without the studio around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

import torch
from diffusers import StableDiffusionXLPipeline
from torch import nn

from eigenlorax.dials import MOST
from eigenlorax.errors import InvalidRequestError, WrongBaseError, refuse_outside
from eigenlorax.library.bundle import Bundle
from eigenlorax.library.opened import open_collection
from eigenlorax.module_path import Component, ModulePath, layout_hash
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime.dresser import Dresser
from eigenlorax.runtime.facts import BaseFacts
from eigenlorax.runtime.hardware import budget_bytes
from eigenlorax.runtime.options import Mode, Placement
from eigenlorax.runtime.outfit import outfit_of
from eigenlorax.runtime.plan import Needs, make_plan
from eigenlorax.runtime.sdxl import changeable, layout_of
from eigenlorax.runtime.sizes import size_of
from eigenlorax.subspace.fingerprint import compare
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: Bytes of styles to keep beside the pipeline: all.
_EVERY = 1 << 40
#: UNets that wear styles; pipelines may share one.
_taken: WeakSet[nn.Module] = WeakSet()


@dataclass(frozen=True)
class _Guest:
    """A pipeline as its owner keeps it."""

    pipeline: StableDiffusionXLPipeline
    parameters: Mapping[ModulePath, nn.Parameter]
    modules: Mapping[ModulePath, nn.Module]

    @property
    def device(self) -> torch.device:
        return self.pipeline._execution_device


class AttachedStyles:
    """The styles of one subspace on one pipeline; wears none at first.

    Leaving the `with` block, also through an exception, detaches: every weight is then as it was,
    bit for bit.

    Attributes:
        subspace: What the styles live in.
        styles: By name.
        mode: How the UNet wears them.
        notice: What to expect where the styles were made for another checkpoint than this; else empty.
    """

    def __init__(self, guest: _Guest, bundle: Bundle, mode: Mode) -> None:
        self.subspace, self.mode = bundle.subspace, mode
        self.styles: Mapping[str, Style] = dict(bundle.styles)
        self._unet = guest.pipeline.unet
        self._dresser = Dresser(guest, _EVERY)
        self._strengths: dict[str, float] = {}
        made_for = self.subspace.base
        self.notice = ""
        if made_for is not None and not _is_offloaded(guest.pipeline):
            here = BaseFacts("this pipeline", self._dresser.injection).fingerprint(self.subspace.bases)
            self.notice = compare(made_for, here).notice(made_for.name)
        _taken.add(guest.pipeline.unet)

    @property
    def strengths(self) -> StyleBlend:
        """What is worn now."""
        return dict(self._strengths)

    def set_styles(self, strengths: StyleBlend) -> None:
        """Wear exactly this blend from the next picture on; what was worn before is gone.

        To be called again after the pipeline was moved to another device or number format.

        Args:
            strengths: Style -> strength: 1.0 as imported, 0 off, negative inverted. Empty is the base, bit
                for bit.

        Raises:
            UnknownStyleError: there is no style of that name.
            InvalidRequestError: a strength is out of range, or the styles were detached.
        """
        if self._unet not in _taken:
            raise InvalidRequestError("these styles were detached from their pipeline: attach them again")
        refuse_outside({f"the strength of {name}": (value, -MOST, MOST) for name, value in strengths.items()})
        outfit = outfit_of(self.subspace, self.styles, [strengths], {})
        self._strengths = {}  # an exception halfway must not leave a claim about what is worn
        if outfit.worn:
            self._dresser.dress_unet(outfit, self.mode, 1)
            self._dresser.dress_text(outfit)
        else:
            self._dresser.undress()
        self._strengths = dict(outfit.blends[0])

    def detach(self) -> None:
        """Put the pipeline back as it was, bit for bit; a second time does nothing."""
        self._strengths = {}
        self._dresser.forget_weights()
        _taken.discard(self._unet)

    def __enter__(self) -> "AttachedStyles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()


def attach(
    pipeline: StableDiffusionXLPipeline, subspace: str | Path | Bundle, mode: Mode | str = Mode.AUTO
) -> AttachedStyles:
    """Let a pipeline of diffusers wear the styles of a subspace.

    The pipeline stays its owner's: its scheduler, its number formats and where it lies are left alone.

    Args:
        pipeline: Any pipeline with SDXL's UNet and both its text encoders.
        subspace: The app's data folder, the folder of a subspace, a bundle, or one that was read.
        mode: How the UNet wears styles: "merged" in its weights, at no cost a step, with a second copy of
            what they change; "live" beside them; "auto" merges where there is room and weights stay in place.

    Raises:
        WrongBaseError: the subspace was made for another architecture, or the pipeline has no such parts.
        InvalidRequestError: the pipeline wears something already, or lies on several devices.
        InvalidFileError: the subspace cannot be read.
    """
    try:
        wish = Mode(mode)
    except ValueError as error:
        raise InvalidRequestError(f"mode is {mode!r}: choose {', '.join(Mode)}") from error
    guest = _guest(pipeline)
    layout = layout_hash(layout_of(guest.parameters))
    bundle = subspace
    if not isinstance(bundle, Bundle):
        bundle = open_collection(Path(bundle).expanduser(), layout)
    if bundle.subspace.layout != layout:
        made_for = f" ({bundle.subspace.base.name})" if bundle.subspace.base else ""
        raise WrongBaseError(
            f"the subspace was made for a model of other shapes{made_for}: attach it to a pipeline of that "
            "architecture, or compress LoRAs of this one"
        )
    return AttachedStyles(guest, bundle, _chosen(wish, guest, bundle.subspace))


def _guest(pipeline: StableDiffusionXLPipeline) -> _Guest:
    if missing := [part.value for part in Component if getattr(pipeline, part.value, None) is None]:
        raise WrongBaseError(
            f"the pipeline has no {', '.join(missing)}: styles need SDXL's UNet and both its text encoders"
        )
    if pipeline.unet in _taken:
        raise InvalidRequestError("this pipeline's UNet has styles attached already: detach them first")
    parameters, modules = changeable(pipeline)
    if any("base_layer" in path.name for path in modules):
        raise InvalidRequestError(
            "the pipeline has adapters of its own: take them out with unload_lora_weights(), or merge "
            "them, first"
        )
    guest = _Guest(pipeline, parameters, modules)
    homes = {getattr(pipeline, part.value).device for part in Component}
    if len(homes) > 1 and not _is_offloaded(pipeline):
        places = ", ".join(sorted(str(home) for home in homes))
        raise InvalidRequestError(f"the pipeline lies on several devices ({places}): move it to one first")
    return guest


def _chosen(wish: Mode, guest: _Guest, subspace: Subspace) -> Mode:
    """Merged where a second copy of the weights fits beside a picture, and weights stay where they are."""
    if _is_offloaded(guest.pipeline):
        if wish is Mode.MERGED:
            raise InvalidRequestError(
                "the pipeline's weights come and go (offloading), so nothing can be merged into them: "
                "choose live"
            )
        return Mode.LIVE
    if wish is not Mode.AUTO:
        return wish
    budget = budget_bytes(guest.device)
    if budget is None:
        return Mode.MERGED
    unet = (path for path in subspace.bases if path.component is Component.UNET)
    copy = sum(guest.parameters[path].nbytes for path in unet)
    side = int(guest.pipeline.unet.config.sample_size) * int(guest.pipeline.vae_scale_factor)
    needs = Needs(side, side, style_bytes=copy)
    plan = make_plan(size_of(guest.pipeline, "the pipeline"), needs, budget, Placement.GPU)
    return Mode.MERGED if plan.fits else Mode.LIVE


def _is_offloaded(pipeline: StableDiffusionXLPipeline) -> bool:
    """Whether accelerate moves the weights about."""
    parts = (getattr(pipeline, part.value) for part in Component)
    return any("_hf_hook" in vars(module) for part in parts for module in part.modules())
