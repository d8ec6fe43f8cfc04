"""A1111's settings: the few that there are here, and a word on those that are decided elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eigenlorax.errors import InvalidRequestError, refuse_outside
from eigenlorax.http.sdapi.models import Options

_USUAL = ("", "Automatic", "None", "none", "automatic", None)


@dataclass(frozen=True)
class Settings:
    """What requests fall back on.

    Attributes:
        model: The loaded base model's name.
        clip_skip: A1111's CLIP_stop_at_last_layers.
        preview_every: Steps between previews; 0 is without.
    """

    model: str
    clip_skip: int = 1
    preview_every: int = 10

    def told(self) -> Options:
        """By A1111's names."""
        return Options(
            sd_model_checkpoint=self.model,
            sd_vae="Automatic",
            samples_format="png",
            CLIP_stop_at_last_layers=self.clip_skip,
            show_progress_every_n_steps=self.preview_every,
        )

    def changed(self, given: Mapping[str, Any]) -> "Settings":
        """With some of A1111's settings; those that are none here are left alone, as A1111 does.

        Raises:
            InvalidRequestError: another model, VAE or file format is asked for, or a number is none.
        """
        self._check_fixed(given)
        skip = _number(given, "CLIP_stop_at_last_layers", self.clip_skip, 1, 12)
        every = _number(given, "show_progress_every_n_steps", self.preview_every, -1, 1000)
        return replace(self, clip_skip=skip, preview_every=max(0, every))

    def _check_fixed(self, given: Mapping[str, Any]) -> None:
        model = given.get("sd_model_checkpoint", self.model)
        if str(model).casefold() != self.model.casefold():
            raise InvalidRequestError(
                f"the loaded model is {self.model}, not {model}: the model is chosen at start, with --model"
            )
        if (vae := given.get("sd_vae")) not in _USUAL:
            raise InvalidRequestError(f"another VAE ({vae}) is chosen at start, with --vae")
        if (kind := given.get("samples_format", "png")) != "png":
            raise InvalidRequestError(f"pictures are PNG, which carry their settings, not {kind}")


def _number(given: Mapping[str, Any], name: str, usual: int, low: int, high: int) -> int:
    value = given.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequestError(f"{name} is {value!r}: give a whole number")
    refuse_outside({name: (value, low, high)})
    return value
