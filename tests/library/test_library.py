"""What is saved comes back, wholly or not at all."""

import base64
import io
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image

from eigenlorax.library.atomic import folder_written_aside, written_aside
from eigenlorax.library.library import Library
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests import tiny


def test_a_library_opens_what_it_saved(tmp_path: Path, subspace: Subspace, styles: dict[str, Style]) -> None:
    library = Library(tmp_path)
    layout = subspace.layout
    assert library.load_current(layout) is None
    library.save(subspace, styles)
    library.save(subspace, styles)  # saving the same again must not harm
    current = library.load_current(layout)
    assert current is not None
    folder = current[0]
    assert (current[1].hash, set(current[2])) == (subspace.hash, set(styles))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert library.stored_bytes(folder) == sum(path.stat().st_size for path in files)
    assert not list(tmp_path.rglob(".writing-*"))


def test_importing_copies_sidecars_and_never_overwrites(tmp_path: Path, base: BaseModel) -> None:
    library = Library(tmp_path / "library")
    first = tiny.write_lora(tmp_path / "one" / "x.safetensors", tiny.lora(base.layout, "x", seed=1))
    first.with_suffix(".json").write_text('{"activation text": "hello"}')
    second = tiny.write_lora(tmp_path / "two" / "x.safetensors", tiny.lora(base.layout, "x", seed=2))
    kept = [library.add_lora(path)[0] for path in (first, second, first)]
    assert [path.name for path in kept] == ["x.safetensors", "x-2.safetensors", "x.safetensors"]
    assert kept[1].read_bytes() == second.read_bytes()
    assert kept[0].with_suffix(".json").is_file()
    assert library.lora_paths() == sorted(set(kept))


def test_picture_names_count_up(tmp_path: Path) -> None:
    library = Library(tmp_path)
    picture = Image.new("RGB", (8, 8))
    paths = [library.keep_picture(picture, "a cat", seed) for seed in (7, 8)]
    assert [path.name for path in paths] == ["00000-7.png", "00001-8.png"]
    with Image.open(paths[1]) as kept:
        assert kept.text["parameters"] == "a cat"


def _failing(path: Path) -> Generator[None, None, None]:
    with written_aside(path) as aside:
        aside.write_text("half")
        yield
        raise OSError("disk full")


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        list(_failing(target))
    assert target.read_text() == "old"
    with pytest.raises(OSError, match="disk full"), folder_written_aside(tmp_path / "folder") as aside:
        (aside / "x").write_text("half")
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_a_cover_in_the_header_serves_as_preview(tmp_path: Path, base: BaseModel) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, "PNG")
    cover = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    library = Library(tmp_path)
    lora = tiny.lora(base.layout, "x", 2)
    with_cover = tiny.write_lora(tmp_path / "x.safetensors", lora, metadata={"modelspec.thumbnail": cover})
    found = library.cover(with_cover)
    assert found is not None
    assert found.read_bytes() == stream.getvalue()
    assert library.cover(tiny.write_lora(tmp_path / "y.safetensors", lora)) is None
