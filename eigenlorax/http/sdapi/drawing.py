"""/txt2img, /img2img, /progress, /interrupt and /png-info."""

from pathlib import Path

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from eigenlorax.http.desk import Desk
from eigenlorax.http.pictures import bytes_from, file_as_text, png_as_text
from eigenlorax.http.queueing import result_of
from eigenlorax.http.sdapi.account import account, stamp
from eigenlorax.http.sdapi.asking import request_of
from eigenlorax.http.sdapi.models import Drawing, Drawn, Img2Img, PngInfo, PngInfoAsked, Progress, Txt2Img
from eigenlorax.jobs.drawing import REQUEST
from eigenlorax.jobs.job import Job, State
from eigenlorax.recall.a1111 import parameters_of
from eigenlorax.recall.carriers import texts_of

_BEGUN = 0.01


def drawing_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["As A1111: drawing"])

    @routes.post("/txt2img")
    async def txt2img(asked: Txt2Img) -> Drawn:
        """Draw pictures from words, and wait for them."""
        return await _drawn(desk, asked)

    @routes.post("/img2img")
    async def img2img(asked: Img2Img) -> Drawn:
        """Draw over a picture, all of it or under a mask, and wait for it."""
        found = await _drawn(desk, asked)
        if not asked.include_init_images:
            found.parameters |= {"init_images": None, "mask": None}
        return found

    @routes.get("/progress")
    def progress(skip_current_image: bool = False) -> Progress:
        """How far the work is that runs now, whoever asked for it."""
        busy = desk.queue.busy()
        running = next((job for job in busy if job.state is State.RUNNING), None)
        if running is None:
            part = _BEGUN if busy else 0.0
            return Progress(progress=part, eta_relative=0.0, state=_state(None, len(busy)))
        part = min(1.0, _BEGUN + (running.done / running.total if running.total else 0.0))
        shown = [] if skip_current_image else desk.queue.jobs.pictures(running.id)
        return Progress(
            progress=part,
            eta_relative=running.eta_s or 0.0,
            state=_state(running, len(busy)),
            current_image=png_as_text(shown[-1].path) if shown else None,
            textinfo=running.what or None,
        )

    @routes.post("/interrupt")
    def interrupt() -> dict[str, str]:
        """End the drawing that runs for a client, or the first that waits; it stops within a step.

        What the page draws, and long work such as training, goes on.
        """
        asked = [job for job in desk.queue.busy() if job.kind == REQUEST]
        if asked:
            desk.queue.jobs.cancel(asked[0].id)
        return {}

    @routes.post("/png-info")
    def png_info(asked: PngInfoAsked) -> PngInfo:
        """What a picture says of how it was drawn."""
        texts = texts_of(bytes_from(asked.image, "image"), "image")
        info = texts.named.get("parameters") or texts.comment or texts.plain
        items = {key: text for key, text in texts.named.items() if key != "parameters"}
        return PngInfo(info=info, items=items, parameters=parameters_of(info))

    return routes


async def _drawn(desk: Desk, asked: Drawing) -> Drawn:
    request = await run_in_threadpool(request_of, desk.studio, asked, desk.settings)
    every = desk.settings.changed(asked.override_settings).preview_every
    job = await desk.queue.over(await run_in_threadpool(desk.queue.draw, request, every))
    result = result_of(job) or {"pictures": []}
    images = []
    for picture in result["pictures"]:
        path = Path(picture["path"])
        if asked.send_images:
            images.append(await run_in_threadpool(file_as_text, path))
        if not asked.save_images:
            path.unlink(missing_ok=True)
    infotexts = [picture["parameters"] for picture in result["pictures"]]
    return Drawn(
        images=images, parameters=asked.model_dump(), info=account(desk.studio, request, infotexts, job)
    )


def _state(running: Job | None, busy: int) -> dict[str, object]:
    """Source: AUTOMATIC1111, modules/shared_state.py (State.dict), for the names."""
    return {
        "skipped": False,
        "interrupted": running is not None and running.stopping is not None,
        "stopping_generation": False,
        "job": running.title if running else "",
        "job_count": busy,
        "job_timestamp": stamp(running) if running else "0",
        "job_no": 0,
        "sampling_step": running.done if running else 0,
        "sampling_steps": running.total if running else 0,
    }
