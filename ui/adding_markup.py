"""What an import leaves on the page. Every word from a file passes through `escape`."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from eigenlorax.formats.report import Verdict
from ui import adding_text
from ui.markup import TONE


def import_results(found: Iterable[Mapping[str, Any]]) -> str:
    """One line per file that was dropped or found.

    Args:
        found: As the job tells of them; see `eigenlorax.jobs.importing`.
    """
    return f'<ul class="results" role="status">{"".join(_line(one) for one in found)}</ul>'


def _line(one: Mapping[str, Any]) -> str:
    tone = TONE[Verdict(one["verdict"])]
    said = escape(adding_text.outcome(one))
    return f'<li class="{tone}"><b>{escape(one["name"])}</b><span>{said}</span></li>'
