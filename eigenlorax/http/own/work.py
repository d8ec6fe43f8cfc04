"""Long work and the subspace that it makes, as the interface and the tools ask for them."""

from pathlib import Path

from eigenlorax.errors import InvalidRequestError
from eigenlorax.http.desk import Desk
from eigenlorax.http.faults import AbsentError
from eigenlorax.http.own.models import (
    CompressAsked,
    Enqueued,
    ExportAsked,
    JobTold,
    SubspaceTold,
    TrainAsked,
    VersionTold,
)
from eigenlorax.http.pictures import picture_from
from eigenlorax.jobs import compressing, exporting, teaching, versioning
from eigenlorax.jobs.drops import keep_picture
from eigenlorax.jobs.job import Job
from eigenlorax.subspaces.wish import Wish


def told_jobs(desk: Desk, limit: int) -> list[JobTold]:
    """What runs, what waits in its order, what is paused, then history."""
    return [told_job(job) for job in desk.queue.jobs.jobs(limit)]


def job_of(desk: Desk, number: int) -> Job:
    """One job.

    Raises:
        AbsentError: there is none of that number.
    """
    try:
        return desk.queue.jobs.look(number)
    except InvalidRequestError as error:
        raise AbsentError(str(error)) from error


def told_job(job: Job) -> JobTold:
    """A job as it is told; what was asked for stays here, since it names files."""
    return JobTold(**{name: getattr(job, name) for name in JobTold.model_fields})


def told_subspace(desk: Desk) -> SubspaceTold:
    """The open subspace and its versions."""
    studio = desk.studio
    return SubspaceTold(
        model=studio.base.name,
        styles=len(studio.styles),
        stored_bytes=studio.stored_bytes,
        excluded=studio.subspaces.excluded,
        versions=[
            VersionTold(
                name=one.name,
                saved=one.saved.timestamp(),
                styles=list(one.styles),
                file_bytes=one.file_bytes,
                is_open=one.is_open,
            )
            for one in studio.growth.versions()
        ],
    )


def use_version(desk: Desk, name: str) -> Enqueued:
    """Go back, or forth, to a version, once the work that waits before it is done.

    Raises:
        AbsentError: there is no such version.
    """
    if name not in (known := [one.name for one in desk.studio.growth.versions()]):
        raise AbsentError(f"no version is named {name}; there are {', '.join(known) or 'none yet'}")
    return Enqueued(job=desk.queue.ask(versioning.USE, versioning.UseAsked(name), name))


def compress(desk: Desk, asked: CompressAsked) -> Enqueued:
    """Fit one subspace to LoRAs of the library."""
    wish = Wish(asked.retain, asked.budget, tuple(asked.exclude))
    work = compressing.CompressAsked(tuple(asked.names), wish)
    count = len(asked.names) or len([one for one in desk.studio.entries() if one.report.usable])
    return Enqueued(job=desk.queue.ask(compressing.COMPRESS, work, f"{count} LoRAs"))


def train(desk: Desk, asked: TrainAsked) -> Enqueued:
    """Teach a style from pictures, which are kept for as long as the job is."""
    captions, sources = [], list[Path]()
    for place, one in enumerate(asked.pictures):
        picture = picture_from(one.image, f"pictures[{place}].image")
        path = keep_picture(desk.studio.library.root, picture)
        sources.append(path)
        if one.caption.strip():
            captions.append(teaching.CaptionAsked(path, one.caption))
    work = teaching.TeachAsked(
        asked.name, tuple(sources), asked.trigger, asked.subject,
        preset=asked.preset, settings=asked.settings, captions=tuple(captions),
    )  # fmt: skip
    return Enqueued(job=desk.queue.ask(teaching.TRAIN, work, asked.name))


def export(desk: Desk, asked: ExportAsked) -> Enqueued:
    """Write a blend as one LoRA, among the exports."""
    styles = desk.worn if asked.styles is None else asked.styles
    work = exporting.ExportAsked(
        asked.name, styles, asked.rank, asked.max_error, asked.dialect, asked.precision
    )
    return Enqueued(job=desk.queue.ask(exporting.EXPORT, work, asked.name))
