"""/api/v1: one short route for each thing that can be done."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from eigenlorax.http.desk import Desk
from eigenlorax.http.faults import AbsentError
from eigenlorax.http.own import blending, drawing, work
from eigenlorax.http.own.models import (
    BlendAsked,
    BlendTold,
    CombineAsked,
    CompressAsked,
    Enqueued,
    ExportAsked,
    JobTold,
    PicturesAsked,
    PicturesTold,
    RecallAsked,
    Recalled,
    StyleTold,
    SubspaceTold,
    TrainAsked,
)
from eigenlorax.library.exports import exports_folder

Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]


def style_routes(desk: Desk) -> APIRouter:
    """Styles, blends and pictures."""
    routes = APIRouter()

    @routes.get("/styles", tags=["Styles"])
    def styles() -> list[StyleTold]:
        """Every style that can be worn."""
        return blending.told_styles(desk)

    @routes.get("/styles/{name}", tags=["Styles"])
    def style(name: str) -> StyleTold:
        """One style."""
        return blending.told_style(desk, name)

    @routes.get("/blend", tags=["Blends"])
    def worn() -> BlendTold:
        """The worn blend: that of requests to this interface that name no styles."""
        return blending.told_blend(desk, desk.worn)

    @routes.put("/blend", tags=["Blends"])
    def wear(asked: BlendAsked) -> BlendTold:
        """Wear a blend, until the program ends."""
        return blending.wear(desk, asked.styles)

    @routes.post("/blend/measure", tags=["Blends"])
    def measure(asked: BlendAsked) -> BlendTold:
        """Tell how the styles of a blend lie to each other; nothing is put on."""
        return blending.told_blend(desk, asked.styles)

    @routes.post("/blend/combine", tags=["Blends"])
    def combine(asked: CombineAsked) -> StyleTold:
        """Make a blend a style of its own, in a new version of the subspace."""
        return blending.combine(desk, asked.name, asked.styles)

    @routes.post("/pictures", tags=["Pictures"])
    async def pictures(asked: PicturesAsked) -> PicturesTold:
        """Draw, and wait for it; the pictures stay in the gallery."""
        return await drawing.draw(desk, asked)

    @routes.post("/pictures/recall", tags=["Pictures"])
    def recall(asked: RecallAsked) -> Recalled:
        """Tell what a picture was drawn with, as far as it can be drawn again here."""
        return drawing.recalled(desk, asked.image)

    return routes


def work_routes(desk: Desk) -> APIRouter:
    """The subspace, jobs, and the files that they write."""
    routes = APIRouter()

    @routes.get("/subspace", tags=["Subspace"])
    def subspace() -> SubspaceTold:
        """The open subspace, and every version that is kept."""
        return work.told_subspace(desk)

    @routes.post("/subspace/versions/{name}/use", tags=["Subspace"])
    def use(name: str) -> Enqueued:
        """Go back, or forth, to a version, once the work that waits before it is done."""
        return work.use_version(desk, name)

    @routes.get("/jobs", tags=["Jobs"])
    def jobs(limit: Limit = 50) -> list[JobTold]:
        """What runs, what waits in its order, what is paused, then history, the newest first."""
        return work.told_jobs(desk, limit)

    @routes.get("/jobs/{number}", tags=["Jobs"])
    def job(number: int) -> JobTold:
        """One job."""
        return work.told_job(work.job_of(desk, number))

    @routes.post("/jobs/{number}/cancel", tags=["Jobs"])
    def cancel(number: int) -> JobTold:
        """End a job, at its next step where it runs; one that is over stays as it ended."""
        return work.told_job(desk.queue.jobs.cancel(work.job_of(desk, number).id))

    @routes.post("/jobs/compress", tags=["Jobs"], status_code=202)
    def compress(asked: CompressAsked) -> Enqueued:
        """Fit one subspace to LoRAs of the library; they stay as they are."""
        return work.compress(desk, asked)

    @routes.post("/jobs/train", tags=["Jobs"], status_code=202)
    def train(asked: TrainAsked) -> Enqueued:
        """Teach a style from a few pictures."""
        return work.train(desk, asked)

    @routes.post("/jobs/export", tags=["Jobs"], status_code=202)
    def export(asked: ExportAsked) -> Enqueued:
        """Write a blend as one LoRA for other programs; its job's result names the file."""
        return work.export(desk, asked)

    @routes.get("/exports/{file}", tags=["Exports"], response_class=FileResponse)
    def exported(file: str) -> FileResponse:
        """A file that was exported."""
        known = {one.name: one for one in exports_folder(desk.studio.library.root).glob("*") if one.is_file()}
        if file not in known:
            raise AbsentError(f"no export is named {file}")
        return FileResponse(known[file], filename=file)

    return routes
