"""What happens in the Sheets tab: an axis is chosen, the sheet is counted, and drawn as a job."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from eigenlorax.errors import StudioError
from eigenlorax.jobs.drawing import with_pictures_kept
from eigenlorax.jobs.job import Job
from eigenlorax.jobs.server import JobServer
from eigenlorax.jobs.sheeting import SHEET, AxisAsked, SheetAsked, seconds_for, sheet_wish
from eigenlorax.recipe import SAMPLERS
from eigenlorax.sheets.axes import NO_STYLE, AxisKind
from eigenlorax.sheets.draw import missing, plan_of, title_of
from eigenlorax.studio import Studio
from ui import markup
from ui import sheet_text as words
from ui.asked import Values, request_from
from ui.events import Updates
from ui.generate_tab import GenerateTab
from ui.memory import wire_memory
from ui.rack import strengths
from ui.sheet_tab import SheetTab
from ui.viewing import Asked, Show, Viewer

SHEET_KEY = "eigenlorax-studio-sheet-1"
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_FIRST_STYLES = 4
_PICTURES: dict[str, Any] = {"canvas": None, "control_image": None}
_NONE = (words.NO_STYLE, NO_STYLE)


def wire_sheets(
    studio: Studio,
    jobs: JobServer,
    page: gr.Blocks,
    opened: Callable[..., Any],
    tab: SheetTab,
    generating: GenerateTab,
) -> Viewer:
    """Connect the tab; returns who shows its jobs.

    Args:
        studio: What draws.
        jobs: The queue.
        page: Which restores what was chosen.
        opened: The event that the tab is opened.
        tab: The tab.
        generating: Whose settings a sheet shares.
    """
    viewer = Viewer(jobs, tab.status, tab.cancel, {SHEET: Show(_done(tab), _during(tab))}, [tab.sheet])
    inputs = {**generating.inputs, **tab.fields}
    # Pictures to start from or to follow would be sent at each count; a sheet refuses them when it is drawn.
    light = {name: one for name, one in inputs.items() if name not in _PICTURES}

    def draw(**values: Any) -> Iterator[Updates]:
        """Draw a sheet: one picture for each combination of the values along its axes.

        `columns_kind` is Style, Strength, Prompt, Seed, Steps, CFG Scale or Sampler, `columns_values` a list
        of texts; `rows` and `within` likewise, their kind "" for none. The rest is as for `generate`.
        """
        yield from viewer.run(SHEET, lambda: asked_from(studio, values))

    def count(**values: Any) -> str:
        return counted(studio, jobs, values)

    for axis, kind in tab.kinds.items():
        kind.input(
            offered(studio), [kind, generating.asking.fields["prompt"], generating.rack], tab.values[axis],
            **_QUIET,
        )  # fmt: skip
    opened(
        _refreshed(studio), [*tab.kinds.values(), *tab.values.values()], list(tab.values.values()), **_QUIET
    )
    changed = [one.change for one in tab.fields.values()]
    gr.on(
        [*changed, opened],
        count,
        inputs_kwargs=light,
        outputs=tab.told,
        trigger_mode="always_last",
        **_QUIET,
    )
    tab.draw.click(
        draw, inputs_kwargs=inputs, outputs=viewer.outputs, concurrency_limit=None, show_progress="hidden",
        api_name="sheet",
    )  # fmt: skip
    tab.cancel.click(viewer.stop, **_QUIET)
    restored = wire_memory(page, tab.fields, SHEET_KEY)
    restored.then(
        lambda *kinds: [gr.update(visible=bool(kind)) for kind in kinds],
        list(tab.kinds.values()), list(tab.values.values()), **_QUIET,
    )  # fmt: skip
    return viewer


def offered(studio: Studio) -> Callable[[str, str, str], Any]:
    """An axis's kind -> what it can be set to, and what it is at first."""

    def offer(kind: str, prompt: str, styles: str) -> Any:
        if not kind:
            return gr.update(visible=False)
        names = list(studio.styles)
        try:
            worn = [name for name, strength in strengths(styles).items() if strength]
        except StudioError:
            worn = []
        first: Mapping[AxisKind, tuple[list[Any], list[str]]] = {
            AxisKind.STYLE: ([_NONE, *names], [NO_STYLE, *(worn or names[:_FIRST_STYLES])]),
            AxisKind.STRENGTH: (["0.4", "0.7", "1", "1.3"], ["0.4", "0.7", "1"]),
            AxisKind.PROMPT: ([], [prompt] if prompt else []),
            AxisKind.SEED: (["1-4"], ["1-4"]),
            AxisKind.STEPS: (["10-30 (+10)"], ["10-30 (+10)"]),
            AxisKind.GUIDANCE: (["3", "5", "7"], ["3", "5", "7"]),
            AxisKind.SAMPLER: (list(SAMPLERS), ["Euler a", "DPM++ 2M"]),
        }
        choices, value = first[AxisKind(kind)]
        return gr.update(choices=choices, value=value, visible=True)

    return offer


def _refreshed(studio: Studio) -> Callable[..., list[Any]]:
    """The styles as they are now, for each axis that changes them; what was chosen stays."""

    def refresh(*told: Any) -> list[Any]:
        kinds, values = told[: len(told) // 2], told[len(told) // 2 :]
        return [
            gr.update(choices=[_NONE, *studio.styles], value=_styles(studio, value))
            if kind == AxisKind.STYLE.value
            else gr.skip()
            for kind, value in zip(kinds, values, strict=True)
        ]

    return refresh


def _styles(studio: Studio, chosen: list[str] | None) -> list[str]:
    """What was chosen; the first styles where that is none yet."""
    some = any(name != NO_STYLE for name in chosen or ())
    return list(chosen or ()) if some else [NO_STYLE, *list(studio.styles)[:_FIRST_STYLES]]


def asked_from(studio: Studio, values: Values) -> Asked:
    """The form's values -> what a sheet is asked.

    Raises:
        InvalidRequestError: an axis, the rack or a setting cannot be read.
    """
    asked = _sheet_asked(studio, values)
    return Asked(with_pictures_kept(studio.library.root, asked), title_of(sheet_wish(asked)))


def _sheet_asked(studio: Studio, values: Values) -> SheetAsked:
    request = request_from(studio, {**values, "add_triggers": False}, strengths(values["styles"]))
    columns, rows, within = (_axis(values, axis) for axis in ("columns", "rows", "within"))
    return SheetAsked(
        request,
        columns or AxisAsked(AxisKind.STYLE.value, ()),
        rows,
        within,
        bool(values["sheet_triggers"]),
    )


def _axis(values: Values, axis: str) -> AxisAsked | None:
    kind = values[f"{axis}_kind"]
    return AxisAsked(kind, tuple(str(one) for one in values[f"{axis}_values"] or ())) if kind else None


def counted(studio: Studio, jobs: JobServer, values: Values) -> str:
    """How large the sheet would be, and how long it takes, or what is wrong with it; without a toast."""
    try:
        plan = plan_of(studio, sheet_wish(_sheet_asked(studio, {**values, **_PICTURES})))
    except StudioError as error:
        line = " ".join(str(error).split())
        return markup.line(line[:1].upper() + line[1:], "fair")
    due = missing(studio, plan)
    told = words.planned(
        len(plan.columns), len(plan.rows), len(plan.requests), len(due), seconds_for(due, jobs.jobs())
    )
    return markup.line(told)


def _done(tab: SheetTab) -> Callable[[Job], Updates]:
    def done(job: Job) -> Updates:
        found = job.result or {}
        told = words.drawn(found["drawn"], found["kept"], found["path"])
        return {tab.sheet: found["path"], tab.status: markup.line(told, "good")}

    return done


def _during(tab: SheetTab) -> Callable[..., Updates]:
    def during(_job: Job, seen: Any) -> Updates:
        return {tab.sheet: str(seen[-1].path)} if seen else {}

    return during
