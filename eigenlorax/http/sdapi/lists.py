"""A1111's lists, of what there is here: styles as LoRAs, samplers, schedules, the loaded model."""

from typing import Any

import psutil
from fastapi import APIRouter

from eigenlorax.events import drain
from eigenlorax.http.access import Access
from eigenlorax.http.desk import Desk
from eigenlorax.http.sdapi.models import (
    Flags,
    Lora,
    Memory,
    Named,
    Options,
    PromptStyle,
    Sampler,
    Scheduler,
    Scripts,
    SDModel,
    Upscaler,
)
from eigenlorax.prompting.places import presets_file
from eigenlorax.prompting.presets import read_presets
from eigenlorax.recipe import AUTOMATIC, SAMPLERS
from eigenlorax.recipe import Upscaler as Enlarger
from eigenlorax.runtime.hardware import cards

#: Those that A1111 lists with a rho of their own, and those that ask its model for their steps.
_RHO = {"Karras": 7.0}
_NO_RHO = -1.0
_OF_MODEL = ("Uniform", "SGM Uniform", "Simple", "Beta")


def listing_routes(desk: Desk, access: Access) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["As A1111: lists and settings"])
    studio = desk.studio

    @routes.get("/loras")
    def loras() -> list[Lora]:
        """The styles: each is worn by `<lora:name:0.8>` in a prompt."""
        files = {entry.report.name: entry.report for entry in studio.entries()}
        return [
            Lora(
                name=name,
                alias=(files[name].title if name in files else "") or name,
                path=str(files[name].path) if name in files else "",
                metadata={"modelspec.trigger_phrase": ", ".join(style.trigger_words)},
            )
            for name, style in studio.styles.items()
        ]

    @routes.post("/refresh-loras")
    def refresh_loras() -> None:
        """Look through the folders in place again."""
        drain(studio.collection.scan())

    @routes.get("/sd-models")
    def sd_models() -> list[SDModel]:
        """The model that is loaded: another one is chosen at start."""
        name = studio.base.name
        return [
            SDModel(title=name, model_name=name, hash=None, sha256=None, filename=name, config=None),
        ]

    @routes.post("/refresh-checkpoints")
    def refresh_checkpoints() -> None:
        """Nothing changes: the model is chosen at start."""

    @routes.get("/samplers")
    def samplers() -> list[Sampler]:
        """The samplers."""
        return [Sampler(name=name, aliases=[_alias(name)], options={}) for name in SAMPLERS]

    @routes.get("/schedulers")
    def schedulers() -> list[Scheduler]:
        """The schedules; which a sampler can follow, it says when it is asked for another."""
        found = dict.fromkeys(schedule for known in SAMPLERS.values() for schedule in known)
        return [
            Scheduler(
                name=label.lower().replace(" ", "_"),
                label=label,
                aliases=None,
                default_rho=_RHO.get(label, _NO_RHO),
                need_inner_model=label in _OF_MODEL,
            )
            for label in (AUTOMATIC, *(one for one in found if one != AUTOMATIC))
        ]

    @routes.get("/upscalers")
    def upscalers() -> list[Upscaler]:
        """Ways of the second pass to enlarge between pixels."""
        return [Upscaler(name=name) for name in ("None", Enlarger.LANCZOS.value)]

    @routes.get("/latent-upscale-modes")
    def latent_upscale_modes() -> list[Named]:
        """Ways of the second pass to enlarge in latent space."""
        return [Named(name=Enlarger.LATENT.value)]

    @routes.get("/prompt-styles")
    def prompt_styles() -> list[PromptStyle]:
        """The prompt presets."""
        found = read_presets(presets_file(studio.library.root))
        return [PromptStyle(name=one.name, prompt=one.prompt, negative_prompt=one.negative) for one in found]

    @routes.get("/scripts")
    def scripts() -> Scripts:
        """There are none here."""
        return Scripts(txt2img=[], img2img=[])

    @routes.get("/memory")
    def memory() -> Memory:
        """Bytes of the machine and of its first card."""
        now = psutil.virtual_memory()
        ram = {"free": now.available, "used": now.used, "total": now.total}
        return Memory(ram=ram, cuda=_card())

    @routes.get("/cmd-flags")
    def cmd_flags() -> Flags:
        """How the program was started, as far as a client needs it."""
        origins = ",".join(access.origins) or None
        return Flags(api=True, listen=not access.local, cors_allow_origins=origins)

    @routes.get("/options")
    def options() -> Options:
        """The settings that there are here."""
        return desk.settings.told()

    @routes.post("/options")
    def set_options(given: dict[str, Any]) -> None:
        """Change some of them until the program ends; those that are none here are left alone."""
        desk.settings = desk.settings.changed(given)

    return routes


def _alias(name: str) -> str:
    """A sampler as k-diffusion and A1111 call it."""
    return "k_" + name.lower().replace("++", "pp").replace(" ", "_")


def _card() -> dict[str, Any]:
    found = cards()
    if not found:
        return {"error": "unavailable"}
    free, total = found[0].free, found[0].total
    return {"system": {"free": free, "used": total - free, "total": total}}
