"""The tools: what each is called, what it takes, and what it says."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from eigenlorax.http.desk import Desk
from eigenlorax.http.own import blending, drawing, work
from eigenlorax.http.own.models import Asked, BlendAsked, PicturesAsked, RecallAsked

Content = Mapping[str, Any]
Given = TypeVar("Given", bound=BaseModel)
_JOBS_TOLD = 10


class Nothing(BaseModel):
    """No arguments."""

    model_config = ConfigDict(extra="forbid")


class CombineTool(Asked):
    """The worn blend as a style of its own."""

    name: str


@dataclass(frozen=True)
class Tool(Generic[Given]):
    """One tool.

    Attributes:
        name: For the model.
        words: What it does and when it is of use.
        takes: Its arguments.
        run: Does it; returns content as the protocol has it.
        changes: Whether anything is other afterwards.
    """

    name: str
    words: str
    takes: type[Given]
    run: Callable[[Desk, Given], Awaitable[Sequence[Content]]]
    changes: bool = False

    async def call(self, desk: Desk, arguments: Mapping[str, Any]) -> Sequence[Content]:
        """Do it.

        Raises:
            ValidationError: the arguments are others than it takes.
            StudioError: it cannot be done; says why.
        """
        return await self.run(desk, self.takes.model_validate(arguments))

    def told(self) -> dict[str, Any]:
        """As the protocol lists it."""
        return {
            "name": self.name,
            "description": self.words,
            "inputSchema": self.takes.model_json_schema(),
            "annotations": {
                "readOnlyHint": not self.changes,
                "destructiveHint": False,
                "openWorldHint": False,
            },
        }


async def _list_styles(desk: Desk, _: Nothing) -> Sequence[Content]:
    styles = await run_in_threadpool(blending.told_styles, desk)
    lines = [
        f"{one.name}: {one.verdict}, keeps {one.effect_kept:.1%} of its LoRA's effect"
        + (f"; say {', '.join(one.trigger_words)} in the prompt" if one.trigger_words else "")
        for one in styles
    ]
    return [_text("\n".join(lines) or "There are no styles yet: compress some LoRAs first.")]


async def _draw(desk: Desk, asked: PicturesAsked) -> Sequence[Content]:
    drawn = await drawing.draw(desk, asked)
    content: list[Content] = []
    for one in drawn.pictures:
        content.append({"type": "image", "data": one.image, "mimeType": "image/png"})
        content.append(_text(f"{one.parameters}\nkept as {one.file}"))
    return content or [_text("The drawing was cancelled.")]


async def _blend(desk: Desk, asked: BlendAsked) -> Sequence[Content]:
    return [_document(await run_in_threadpool(blending.wear, desk, asked.styles))]


async def _combine(desk: Desk, asked: CombineTool) -> Sequence[Content]:
    return [_document(await run_in_threadpool(blending.combine, desk, asked.name, None))]


async def _status(desk: Desk, _: Nothing) -> Sequence[Content]:
    subspace = await run_in_threadpool(work.told_subspace, desk)
    jobs = await run_in_threadpool(work.told_jobs, desk, _JOBS_TOLD)
    lines = [
        f"{subspace.styles} styles for {subspace.model} in {subspace.stored_bytes:,} bytes, "
        f"{len(subspace.versions)} versions kept",
        *(f"{name} is left out: {why}" for name, why in subspace.excluded.items()),
        *(
            f"job {job.id}, {job.kind} {job.title}: {job.state}"
            + (f", {job.done} of {job.total} {job.what}" if job.state == "running" else "")
            + (f": {job.error}" if job.error else "")
            for job in jobs
        ),
    ]
    return [_text("\n".join(lines))]


async def _recall(desk: Desk, asked: RecallAsked) -> Sequence[Content]:
    return [_document(await run_in_threadpool(drawing.recalled, desk, asked.image))]


def _text(words: str) -> Content:
    return {"type": "text", "text": words}


def _document(told: BaseModel) -> Content:
    return _text(told.model_dump_json(indent=2))


TOOLS: Mapping[str, Tool[Any]] = {
    tool.name: tool
    for tool in (
        Tool("list_styles", "List the styles that pictures can be drawn in.", Nothing, _list_styles),
        Tool("draw", "Draw pictures in a blend of styles; they are kept too.", PicturesAsked, _draw, True),
        Tool(
            "blend",
            "Put a blend of styles on, for drawings that name none, and tell how they lie to each other.",
            BlendAsked,
            _blend,
            True,
        ),
        Tool("combine", "Make the worn blend a style of its own, by a name.", CombineTool, _combine, True),
        Tool("compress_status", "Tell of the subspace, and of work that runs or ran.", Nothing, _status),
        Tool("recall", "Tell what a picture, as base64, was drawn with.", RecallAsked, _recall),
    )
}
