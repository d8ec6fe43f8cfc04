"""What the page says of exports, before and after. Every word from a file or a user is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from eigenlorax.export.request import ExportResult, Prediction
from ui import export_text, text
from ui.markup import line


def prediction(found: Prediction) -> str:
    """What an export will be."""
    return _card(export_text.PREDICTED, _prediction_facts(found), found)


def exported(result: ExportResult) -> str:
    """What an export has become."""
    facts = [
        (export_text.FILE, str(result.path)),
        *_prediction_facts(result.predicted),
        (export_text.READ_BACK, f"{result.error:.2%}"),
        *((f"{name}, AutoV3", hashes.auto_v3) for name, hashes in result.hashes.items()),
    ]
    return _card(export_text.EXPORTED, facts, result.predicted)


def exported_plain(words: str, path: Path) -> str:
    """An export that needs one sentence."""
    return f'<div class="bytes"><p class="headline">{escape(words)}</p><p>{escape(str(path))}</p></div>'


def carded(name: str, path: Path, carried: int, size: int, sides: Sequence[int]) -> str:
    """A style card as it was written: the picture itself, to be looked at and downloaded.

    Args:
        name: The style's.
        path: The file.
        carried: Bytes that it carries.
        size: Bytes of the file.
        sides: Of the picture, pixels: width, height.
    """
    told = escape(export_text.carded(name, carried, size))
    address, file = escape(f"gradio_api/file={quote(path.as_posix())}"), escape(path.name)
    width, height = sides
    return (
        f'<figure class="card"><img src="{address}" alt="{told}" width="{width}" height="{height}">'
        f"<figcaption>{told}"
        f'<a href="{address}" download="{file}">{export_text.DOWNLOAD_CARD}</a></figcaption></figure>'
    )


def _prediction_facts(found: Prediction) -> list[tuple[str, str]]:
    facts = [
        (export_text.ERROR, f"{found.error:.2%}"),
        (export_text.SIZE, text.megabytes(found.file_bytes)),
        (export_text.RANK, str(found.rank)),
        (export_text.MODULES, str(found.modules)),
    ]
    if found.left_out:
        share = sum(found.left_out.values())
        facts.append((export_text.LEFT_OUT, export_text.left_out(len(found.left_out), share)))
    return facts


def _card(headline: str, facts: Iterable[tuple[str, str]], found: Prediction) -> str:
    known = "".join(f"<dt>{escape(label)}</dt><dd>{escape(words)}</dd>" for label, words in facts)
    remark = line(found.remark, "fair") if found.remark else ""
    return f'<div class="bytes"><p class="headline">{headline}</p><dl>{known}</dl>{remark}</div>'
