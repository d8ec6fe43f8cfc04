"""From A1111's names to a request of ours; what cannot be done here is refused by its name."""

from collections.abc import Mapping
from dataclasses import replace

from eigenlorax.cases.tagged import tagged
from eigenlorax.errors import InvalidRequestError
from eigenlorax.http.sdapi.canvas import canvas_of
from eigenlorax.http.sdapi.models import Drawing, Img2Img, Txt2Img
from eigenlorax.http.sdapi.options import Settings
from eigenlorax.recall.names import named
from eigenlorax.recipe import AUTOMATIC, GenerationRequest, Hires, Upscaler, seed_of
from eigenlorax.studio import Studio

#: Field -> the values at which it changes no picture.
_NOT_HERE: Mapping[str, tuple[object, ...]] = {
    "tiling": (False,),
    "restore_faces": (False,),
    "s_churn": (0.0,),
    "refiner_checkpoint": ("", "None"),
    "script_name": ("", "None"),
    "hr_checkpoint_name": ("", "Use same checkpoint"),
    "hr_sampler_name": ("", "Use same sampler"),
    "hr_scheduler": ("", "Use same scheduler"),
    "hr_prompt": ("",),
    "hr_negative_prompt": ("",),
}


def request_of(studio: Studio, asked: Drawing, settings: Settings) -> GenerationRequest:
    """What is to be drawn, with nothing left in the prompts but words.

    Args:
        studio: Has the styles and the presets.
        asked: By A1111's names.
        settings: That hold where the request does not say otherwise.

    Raises:
        InvalidRequestError, InvalidFileError: something cannot be done here; says what and what can.
        UnknownStyleError: a tag names a style that is not here.
    """
    _refuse_foreign(asked)
    side = studio.base.native_size
    sampler, schedule = _sampler(asked)
    request = GenerationRequest(
        asked.prompt,
        asked.negative_prompt,
        seed_of(asked.seed),
        asked.steps,
        asked.cfg_scale,
        asked.width or side,
        asked.height or side,
        sampler=sampler,
        schedule=schedule,
        clip_skip=settings.changed(asked.override_settings).clip_skip,
        variation_seed=seed_of(asked.subseed) if asked.subseed_strength else 0,
        variation_strength=asked.subseed_strength,
        batch=asked.batch_size * asked.n_iter,
    )
    if isinstance(asked, Txt2Img) and asked.enable_hr:
        request = replace(request, hires=_hires(asked, request))
    if isinstance(asked, Img2Img):
        request = replace(request, canvas=canvas_of(asked, (request.width, request.height)))
    return tagged(studio, request, asked.styles, triggers=False)


def _refuse_foreign(asked: Drawing) -> None:
    for name, off in _NOT_HERE.items():
        if (value := getattr(asked, name, off[0])) not in off:
            raise InvalidRequestError(f"{name} is {value!r}, which is not done here: leave it out")
    if asked.alwayson_scripts:
        names = ", ".join(asked.alwayson_scripts)[:100]
        raise InvalidRequestError(f"there are no scripts here ({names}): leave alwayson_scripts out")
    if asked.seed_resize_from_h > 0 or asked.seed_resize_from_w > 0:
        raise InvalidRequestError("seed_resize_from_h and _w are not done here: leave them out")


def _sampler(asked: Drawing) -> tuple[str, str]:
    """Sampler and schedule by our names; the model's own where none is named."""
    if not (name := asked.sampler_name or asked.sampler_index):
        if asked.scheduler and asked.scheduler.lower() != AUTOMATIC.lower():
            raise InvalidRequestError(f"scheduler {asked.scheduler} needs a sampler_name beside it")
        return "", AUTOMATIC
    sampler, schedule, odd = named(name, asked.scheduler)
    if odd:
        raise InvalidRequestError(f"{odd[0]}; see /sdapi/v1/samplers and /sdapi/v1/schedulers")
    return sampler, schedule


def _hires(asked: Txt2Img, request: GenerationRequest) -> Hires:
    scale = asked.hr_scale
    if asked.hr_resize_x or asked.hr_resize_y:
        scale = max(asked.hr_resize_x / request.width, asked.hr_resize_y / request.height)
    kinds = {"latent": Upscaler.LATENT, "lanczos": Upscaler.LANCZOS}
    kind = kinds.get(asked.hr_upscaler.lower())
    if kind is None:
        raise InvalidRequestError(f"no hr_upscaler {asked.hr_upscaler!r} here: choose Latent or Lanczos")
    return Hires(scale, asked.hr_second_pass_steps, asked.denoising_strength, kind)
