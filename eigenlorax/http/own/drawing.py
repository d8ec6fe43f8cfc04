"""Pictures, as the interface and the tools ask for them."""

from pathlib import Path

from starlette.concurrency import run_in_threadpool

from eigenlorax.cases.recall import restored
from eigenlorax.cases.tagged import tagged
from eigenlorax.http.desk import Desk
from eigenlorax.http.own.models import PicturesAsked, PicturesTold, PictureTold, Recalled
from eigenlorax.http.pictures import bytes_from, file_as_text
from eigenlorax.http.queueing import result_of
from eigenlorax.recall.read import recall
from eigenlorax.recipe import GenerationRequest, seed_of


async def draw(desk: Desk, asked: PicturesAsked) -> PicturesTold:
    """Draw, and wait for it; the pictures stay in the gallery.

    Raises:
        QueueFullError: too much waits already.
        NotDoneError: it failed; says why.
        StudioError: as `studio.generate`.
    """
    request = await run_in_threadpool(_request, desk, asked)
    job = await desk.queue.over(await run_in_threadpool(desk.queue.draw, request))
    result = result_of(job) or {"pictures": []}
    pictures = [
        PictureTold(
            image=await run_in_threadpool(file_as_text, Path(one["path"])),
            parameters=one["parameters"],
            seed=one["seed"],
            file=one["path"],
        )
        for one in result["pictures"]
    ]
    return PicturesTold(job=job.id, pictures=pictures)


def recalled(desk: Desk, image: str) -> Recalled:
    """What a picture was drawn with, as far as it can be drawn again here.

    Raises:
        InvalidFileError: it carries no settings.
    """
    found = restored(desk.studio, recall(bytes_from(image, "image"), "image"))
    request = found.request
    return Recalled(
        source=found.recalled.source,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        styles=dict(request.styles),
        seed=request.seed,
        steps=request.steps,
        guidance=request.guidance,
        width=request.width,
        height=request.height,
        sampler=request.sampler,
        schedule=request.schedule,
        differences=list(found.words),
    )


def _request(desk: Desk, asked: PicturesAsked) -> GenerationRequest:
    side = desk.studio.base.native_size
    request = GenerationRequest(
        asked.prompt,
        asked.negative_prompt,
        seed_of(asked.seed),
        asked.steps,
        asked.guidance,
        asked.width or side,
        asked.height or side,
        styles=desk.worn if asked.styles is None else asked.styles,
        sampler=asked.sampler,
        schedule=asked.schedule,
        batch=asked.batch,
    )
    return tagged(desk.studio, request, triggers=asked.triggers)
