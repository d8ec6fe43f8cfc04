"""Where pictures are drawn: plans memory, dresses the model, draws, and keeps nothing."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.events import retold
from eigenlorax.lora import LoRA
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.control import Control, ControlCase
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.ladder import SteppedDown, drawn
from eigenlorax.runtime.options import Mode, Placement
from eigenlorax.runtime.paint import Preview, Step, paint
from eigenlorax.runtime.plan import Needs, Plan
from eigenlorax.runtime.prompt import alike
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

Drawing = Step | Preview | SteppedDown
"""What drawing tells of while it goes on."""


@dataclass(frozen=True)
class Drawn:
    """Pictures, and how they were drawn.

    Attributes:
        images: RGB, in the order of the request.
        switch_ms: Milliseconds that the change of styles before took.
        mode: How the UNet wore them.
        plan: Where the model lay, and the predicted peak.
        basis: Hash of the subspace whose styles were at hand; empty where there were none.
    """

    images: tuple[Image.Image, ...]
    switch_ms: float
    mode: Mode
    plan: Plan
    basis: str = ""

    @property
    def image(self) -> Image.Image:
        """The first picture."""
        return self.images[0]


Painting = Generator[Drawing, None, Drawn]
Dress = Callable[[GenerationRequest], float]


class Easel:
    """Draws without saving; closing a generator cancels the picture and frees the lock.

    Args:
        engine: Wears styles and LoRAs on the loaded model.
        lock: The studio's; held while a picture is drawn.
        current: The current subspace, or None, and its styles.
        wish: How the UNet is to wear styles, where that is not to be chosen.
    """

    def __init__(
        self,
        engine: Engine,
        lock: Lock,
        current: Callable[[], tuple[Subspace | None, Mapping[str, Style]]],
        wish: Mode = Mode.AUTO,
    ) -> None:
        self._engine, self._lock, self._current, self._wish = engine, lock, current, wish
        self._controls = ControlCase(engine.base.pipeline.unet.config)

    def bare(self, request: GenerationRequest) -> Painting:
        """The base model's picture; the request's styles are left off."""
        return self._draw(replace(request, styles={}, blends=()), lambda _: self._engine.wear_nothing())

    def lora(self, request: GenerationRequest, lora: LoRA, strength: float = 1.0) -> Painting:
        """The picture of one LoRA as it is; the request's styles are left off."""
        bare = replace(request, styles={}, blends=())
        return self._draw(bare, lambda _: self._engine.wear_lora(lora, strength))

    def styled(self, request: GenerationRequest, previews: int = 0) -> Painting:
        """The pictures of the request's styles in the current subspace.

        Args:
            request: What to draw.
            previews: A small preview follows every so many steps; 0 is without.

        Raises:
            InvalidRequestError: a setting is out of range, or styles are asked for before there are any.
            UnknownStyleError: a strength names a style that the subspace lacks.
        """
        return self._draw(request, self._dress, previews)

    def _dress(self, request: GenerationRequest) -> float:
        subspace, styles = self._current()
        if subspace is None:
            if _worn(request):
                raise InvalidRequestError("there are no styles yet: press Compress first")
            return self._engine.wear_nothing()
        blends = request.blends or (request.styles,)
        return self._engine.wear_blends(subspace, styles, blends, request.dials)

    def _draw(self, request: GenerationRequest, dress: Dress, previews: int = 0) -> Painting:
        request.check()
        with self._lock:
            base = self._engine.base
            plan, needs = self._planned(request)
            return (
                yield from drawn(
                    base.placed,
                    plan,
                    base.rungs(needs),
                    lambda plan: self._with(plan, needs, request, dress, previews),
                )
            )

    def _with(
        self, plan: Plan, needs: Needs, request: GenerationRequest, dress: Dress, previews: int
    ) -> Painting:
        """One try with one plan: as many pictures at once as it says."""
        engine, control = self._engine, self._control(request)
        engine.settle(self._mode(plan, needs), recorded=plan.placement is Placement.GPU)
        images: list[Image.Image] = []
        together = not request.prompts or alike(engine.base.pipeline, request)
        at_once = max(1, plan.at_once) if together else 1
        switch_ms, starts = 0.0, range(0, request.batch, at_once)
        for turn, start in enumerate(starts):
            part = request.stretch(start, min(at_once, request.batch - start))
            switch_ms += dress(part)
            painting = paint(engine.base.pipeline, part, engine.brush(control), previews)
            images += yield from retold(painting, partial(of_turn, turn, len(starts)))
        return Drawn(tuple(images), switch_ms, engine.mode, plan, engine.basis)

    def _control(self, request: GenerationRequest) -> Control | None:
        if request.control is None:
            return None
        base = self._engine.base
        return self._controls.get(request.control, request.hires_size, base.device, base.pipeline.unet.dtype)

    def _planned(self, request: GenerationRequest) -> tuple[Plan, Needs]:
        """The fastest plan that fits, and the needs that it was made for."""
        subspace, styles = self._current()
        worn = _worn(request)
        live = self._engine.bytes_for(subspace, styles, worn) if subspace is not None and worn else 0
        width, height = request.hires_size
        beside = live + self._controls.prepared(request.control, self._engine.base.pipeline.unet.dtype)
        needs = Needs(width, height, request.batch, request.guidance > 1.0, len(worn), beside)
        return self._engine.base.plan(needs), needs

    def _mode(self, plan: Plan, needs: Needs) -> Mode:
        """Merged where a second copy of the weights changes nothing about the plan.

        Weights that come and go are never merged, whatever is wished: they do not lie where it is computed.
        """
        if plan.placement in (Placement.MODEL_OFFLOAD, Placement.SEQUENTIAL):
            return Mode.LIVE
        if self._wish is not Mode.AUTO:
            return self._wish
        if plan.placement is Placement.CPU:
            return Mode.MERGED
        subspace, _ = self._current()
        if subspace is None:
            return Mode.LIVE
        roomy = replace(needs, style_bytes=needs.style_bytes + self._engine.pristine_bytes(subspace))
        merged = self._engine.base.plan(roomy)
        same = (merged.placement, merged.tiling, merged.at_once) == (
            plan.placement,
            plan.tiling,
            plan.at_once,
        )
        return Mode.MERGED if same and merged.fits else Mode.LIVE


def _worn(request: GenerationRequest) -> Sequence[str]:
    """The names of all styles that a request gives a strength."""
    blends = request.blends or (request.styles,)
    return sorted({name for blend in blends for name, strength in blend.items() if strength})


def of_turn(turn: int, turns: int, event: Drawing) -> Drawing:
    """An event of one of several turns, its steps counted over all of them."""
    if isinstance(event, SteppedDown):
        return event
    return replace(event, done=turn * event.total + event.done, total=turns * event.total)
