"""The HTML of the tab where a style is taught: what came of the files, the samples, the last words."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ui import markup, train_text

_AFTER_STEP = " · "
"""Between the step and the prompt in a sample's label."""


def empty(*, ready: bool) -> str:
    """What stands where the curve will be; `ready` is whether there is a subspace to learn in."""
    steps = "".join(f"<li>{escape(step)}</li>" for step in train_text.EMPTY_STEPS)
    title, end = escape(train_text.EMPTY_TITLE), escape(train_text.EMPTY_END)
    first = "" if ready else markup.line(sentence(train_text.NO_SUBSPACE), "fair")
    return f'<div class="teach lesson"><h3>{title}</h3>{first}<ol>{steps}</ol><p>{end}</p></div>'


def files(taken: int, left_out: Iterable[tuple[str, str]]) -> str:
    """Too few or too many pictures, and each file that is not learnt from with its reason; else nothing."""
    rows = "".join(
        f'<li class="bad"><span><b>{escape(name)}</b> {escape(reason)}</span></li>'
        for name, reason in left_out
    )
    told = train_text.chosen(taken)
    return (markup.line(told, "fair") if told else "") + (f'<ul class="results">{rows}</ul>' if rows else "")


def filmstrip(pictures: Iterable[tuple[str, str]], kept: float | None = None) -> str:
    """Samples in a row for each measurement, the latest on top, and a column for each prompt.

    Args:
        pictures: (label, address); a label is "step 20 · a red apple".
        kept: The step that the style was kept from; None while it learns.
    """
    rows: dict[str, dict[str, str]] = {}
    for label, address in pictures:
        step, _, prompt = label.partition(_AFTER_STEP)
        rows.setdefault(step, {})[prompt] = address
    if not rows:
        return ""
    prompts = list(dict.fromkeys(prompt for row in rows.values() for prompt in row))
    heads = "".join(f'<th scope="col">{escape(prompt)}</th>' for prompt in prompts)
    latest = sorted(rows, key=_number, reverse=True)
    body = "".join(_film_row(step, rows[step], prompts, kept) for step in latest)
    return (
        f"{markup.heading(train_text.SAMPLES_HEADING)}"
        f'<div class="film" tabindex="0" role="region" aria-label="{escape(train_text.SAMPLES_HEADING)}">'
        f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _film_row(step: str, row: Mapping[str, str], prompts: Sequence[str], kept: float | None) -> str:
    cells = "".join(
        f'<td><img src="{escape(row[prompt])}" alt="{escape(f"{prompt}, {step}")}" loading="lazy"></td>'
        if prompt in row
        else "<td></td>"
        for prompt in prompts
    )
    is_kept = kept is not None and _number(step) == kept
    told = f"{escape(step)}<b>{train_text.KEPT}</b>" if is_kept else escape(step)
    return f'<tr><th scope="row">{told}</th>{cells}</tr>'


def _number(step: str) -> int:
    return int("".join(filter(str.isdecimal, step)) or 0)


def finished(result: Mapping[str, Any]) -> str:
    """The last words on a style: what was learnt, from what, and what to be careful of."""
    learnt, held = result["pictures"]
    told = [
        markup.line(train_text.done(result["name"], result["trigger"]), "good facts"),
        markup.line(train_text.errors(result["base"], result["before"], result["after"])),
        markup.line(train_text.size(result["numbers"], result["bytes"])),
        markup.line(train_text.learnt_from(learnt, held, result["seconds"]), "quiet"),
    ]
    cautions = [word for word in (result["warning"], *result["words"]) if word]
    told += [markup.line(sentence(word), "fair") for word in cautions]
    told += [markup.line(f"{name} {reason}", "fair") for name, reason in result["left_out"]]
    return f'<div class="lessons">{"".join(told)}</div>'


def sentence(words: str) -> str:
    """Words as a sentence of their own."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
