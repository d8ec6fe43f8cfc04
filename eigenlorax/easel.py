"""Pictures to look at and compare, kept nowhere: the base model's, an original LoRA's, a style's."""

from collections.abc import Callable, Generator, Mapping
from threading import Lock

from PIL import Image

from eigenlorax.errors import InvalidRequestError
from eigenlorax.lora import LoRA
from eigenlorax.recipe import GenerationRequest
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.generate import Step, denoise
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

Painting = Generator[Step, None, Image.Image]


class Easel:
    """Draws without saving; closing a generator cancels the picture and frees the lock.

    Args:
        engine: Wears styles and LoRAs on the loaded model.
        lock: The studio's; held while a picture is drawn.
        current: The current subspace, or None, and its styles.
    """

    def __init__(
        self,
        engine: Engine,
        lock: Lock,
        current: Callable[[], tuple[Subspace | None, Mapping[str, Style]]],
    ) -> None:
        self._engine, self._lock, self._current = engine, lock, current

    def bare(self, request: GenerationRequest) -> Painting:
        """The base model's picture; the request's styles are left off."""
        request.check()
        with self._lock:
            self._engine.wear_nothing()
            return (yield from denoise(self._engine.base.pipeline, request))

    def lora(self, request: GenerationRequest, lora: LoRA) -> Painting:
        """The picture of one LoRA as it is; the request's styles are left off."""
        request.check()
        with self._lock:
            self._engine.wear_lora(lora, 1.0)
            return (yield from denoise(self._engine.base.pipeline, request))

    def styled(self, request: GenerationRequest) -> Painting:
        """The picture of the request's styles in the current subspace.

        Raises:
            InvalidRequestError: there is no subspace yet.
            UnknownStyleError: a strength names a style that the subspace lacks.
        """
        request.check()
        with self._lock:
            subspace, styles = self._current()
            if subspace is None:
                raise InvalidRequestError("there are no styles yet: press Compress first")
            self._engine.wear_blend(subspace, styles, request.styles)
            return (yield from denoise(self._engine.base.pipeline, request))
