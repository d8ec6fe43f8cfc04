"""Prompt presets in A1111's `styles.csv`: read, used, and saved so that A1111 reads them back."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.library.atomic import told, written_aside

FILE_NAME = "styles.csv"
MOST_BYTES = 8 * 1024 * 1024
_HOLE = "{prompt}"


@dataclass(frozen=True)
class PromptPreset:
    """One preset.

    Attributes:
        name: Unique in a file.
        prompt: Text with `{prompt}` where the user's goes; without it, it goes behind the user's.
        negative: The same for the negative prompt.
    """

    name: str
    prompt: str = ""
    negative: str = ""

    def over(self, prompt: str, negative: str) -> tuple[str, str]:
        """The user's prompt and negative prompt with this preset's.

        Source: AUTOMATIC1111/stable-diffusion-webui, modules/styles.py (merge_prompts).
        """
        return _merged(self.prompt, prompt), _merged(self.negative, negative)


def read_presets(path: Path) -> list[PromptPreset]:
    """The presets of a file, in its order; none where there is no file.

    A1111's older files name the second column "text"; a row without a name is a blank line there.

    Raises:
        InvalidFileError: it cannot be read, or has no column of names.
    """
    if not path.is_file():
        return []
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidFileError(f"{path.name} is too large for presets: choose A1111's styles.csv")
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        if not rows.fieldnames or "name" not in rows.fieldnames:
            raise InvalidFileError(f"{path.name} has no column called name: choose A1111's styles.csv")
        found = [_preset(row) for row in rows if (row["name"] or "").strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidFileError(f"{path} cannot be read ({error}): save it as CSV in UTF-8") from error
    return list({preset.name: preset for preset in found}.values())


def save_presets(path: Path, presets: Sequence[PromptPreset]) -> None:
    """Write presets as A1111 does; the file appears whole or not at all.

    Raises:
        NotWrittenError: the disk refused.
    """
    content = io.StringIO(newline="")
    writer = csv.writer(content)
    writer.writerow(["name", "prompt", "negative_prompt"])
    writer.writerows([preset.name, preset.prompt, preset.negative] for preset in presets)
    with told(path.parent), written_aside(path) as aside:
        aside.write_bytes(content.getvalue().encode("utf-8-sig"))


def keep_preset(path: Path, preset: PromptPreset) -> list[PromptPreset]:
    """Add a preset to a file, or put it in the place of the one of its name; returns all.

    Raises:
        InvalidRequestError: it has no name.
        InvalidFileError: the file is damaged; nothing is written.
        NotWrittenError: the disk refused.
    """
    if not preset.name.strip():
        raise InvalidRequestError("the preset has no name: give it one")
    return take_presets(path, [preset])


def take_presets(path: Path, presets: Sequence[PromptPreset]) -> list[PromptPreset]:
    """Add presets to a file, those of a known name in place of the old ones; returns all.

    Raises:
        InvalidFileError: the file is damaged; nothing is written.
        NotWrittenError: the disk refused.
    """
    merged = {one.name: one for one in read_presets(path)} | {one.name: one for one in presets}
    save_presets(path, list(merged.values()))
    return list(merged.values())


def _preset(row: Mapping[str, str | None]) -> PromptPreset:
    name, prompt = (row["name"] or "").strip(), row.get("prompt") or row.get("text") or ""
    return PromptPreset(name, prompt, row.get("negative_prompt") or "")


def _merged(preset: str, words: str) -> str:
    if _HOLE in preset:
        return preset.replace(_HOLE, words)
    return ", ".join(part for part in (words.strip(), preset.strip()) if part)
