"""The ways out of the studio: what is predicted is what is written, and what cannot be is said."""

import errno
import hashlib
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from eigenlorax.errors import (
    InvalidFileError,
    InvalidRequestError,
    NotWrittenError,
    UnknownStyleError,
    WrongBaseError,
)
from eigenlorax.events import drain
from eigenlorax.export.request import CheckpointExport, LoRAExport
from eigenlorax.formats.dialect import Dialect, Precision
from eigenlorax.formats.header import read_header
from eigenlorax.formats.metadata import header_trigger_words
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime import sources
from eigenlorax.runtime.checkpoint import SDXL_REFERENCE, load_checkpoint
from eigenlorax.runtime.options import LoadOptions, Prediction
from eigenlorax.runtime.sdxl import BaseModel, load_base
from eigenlorax.runtime.single_file import PARTS
from eigenlorax.runtime.vae import checkpoint_vae
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import blend_layers
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.subspaces.wish import Wish
from tests import tiny
from tests.conftest import CPU

BLEND = {"s0": 0.7, "s1": -0.4, "s2": 1.2}
NORM = ModulePath(Component.UNET, "conv_norm_out")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, base: BaseModel) -> Studio:
    return _studio(tmp_path_factory.mktemp("studio"), tiny_model, base)


def _studio(root: Path, tiny_model: Path, base: BaseModel) -> Studio:
    """Three styles; the third changes text encoders and a norm too."""
    folder = root / "dropped"
    for number, components in enumerate(((Component.UNET,), (Component.UNET,), tuple(Component))):
        lora = tiny.lora(base.layout, f"s{number}", 4, number, components=components)
        metadata = {"modelspec.trigger_phrase": f"look {number}"}
        tiny.write_lora(folder / f"s{number}.safetensors", lora, metadata=metadata)
    with_norm = load_file(folder / "s2.safetensors") | {
        "lora_unet_conv_norm_out.w_norm": torch.full((16,), 0.1)
    }
    save_file(with_norm, folder / "s2.safetensors", {"modelspec.trigger_phrase": "look 2"})
    studio = Studio(str(tiny_model), root / "data", CPU)
    studio.import_paths([folder])
    drain(studio.subspaces.compress(wish=Wish(retain=0.99999)))
    return studio


def _request(tmp_path: Path, **changes: object) -> LoRAExport:
    return replace(LoRAExport(tmp_path / "out" / "mine.safetensors", BLEND), **changes)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("limit", [{}, {"rank": 2}, {"rank": 1000}, {"max_error": 0.4}])
def test_predicted_is_measured(
    tmp_path: Path, studio: Studio, dialect: Dialect, precision: Precision, limit: dict[str, float]
) -> None:
    target = tmp_path / "out" / ("mine" if dialect is Dialect.PEFT else "mine.safetensors")
    request = _request(tmp_path, target=target, dialect=dialect, precision=precision, **limit)
    predicted = studio.exports.predict(request)
    assert not target.exists()
    result = studio.exports.lora(request)
    assert result.predicted == predicted
    assert result.file_bytes == predicted.file_bytes
    assert result.error == pytest.approx(predicted.error, rel=0.1, abs=1e-6)
    assert predicted.rank <= limit.get("rank", 1000)
    assert result.error <= limit.get("max_error", 1.0) * 1.01
    assert predicted.left_out.keys() == (set() if dialect.is_kohya else {NORM})
    assert ("left out" if not dialect.is_kohya else "load_lora_weights refuses") in predicted.remark


def test_a_rank_beyond_what_there_is_costs_nothing(tmp_path: Path, studio: Studio) -> None:
    full, more = (studio.exports.predict(_request(tmp_path, rank=rank)) for rank in (None, 10_000))
    assert full == more
    assert full.rank == 12


def test_the_file_carries_its_card_and_its_hashes(tmp_path: Path, studio: Studio) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    request = _request(
        tmp_path,
        title="Mine",
        description="d",
        licence="MIT",
        tags=("a", "b"),
        thumbnail=tmp_path / "red.png",
    )
    result = studio.exports.lora(request)
    header = read_header(result.path)
    metadata = header.metadata
    assert (metadata["modelspec.title"], metadata["ss_output_name"]) == ("Mine", "mine")
    assert header_trigger_words(metadata) == ("look 0", "look 1", "look 2")
    assert metadata["modelspec.merged_from"] == "s0 0.7, s1 -0.4, s2 1.2"
    assert metadata["modelspec.thumbnail"].startswith("data:image/jpeg;base64,")
    body = hashlib.sha256(result.path.read_bytes()[header.data_start :]).hexdigest()
    (hashes,) = result.hashes.values()
    assert metadata["sshs_model_hash"] == body == hashes.addnet
    assert hashes.auto_v3 == body[:12]
    again = studio.inspect_paths([result.path])[0].report
    assert (again.usable, again.title, again.licence) == (True, "Mine", "MIT")


def test_an_original_lora_in_another_dialect(tmp_path: Path, studio: Studio) -> None:
    target = tmp_path / "peft"
    request = LoRAExport(target, lora="s0", dialect=Dialect.PEFT, precision=Precision.FP32)
    result = studio.exports.lora(request)
    assert result.error < 1e-6
    assert {path.name for path in target.rglob("*") if path.is_file()} == {
        "adapter_config.json", "adapter_model.safetensors",
    }  # fmt: skip
    (report,) = (outcome.report for outcome in studio.inspect_paths([target]))
    assert report.usable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"styles": {}}, "at least one style"),
        ({"styles": {"s0": 0.0}}, "at least one style"),
        ({"rank": 0}, "rank is 0"),
        ({"max_error": 1.5}, "between 0 and 1"),
        ({"rank": 2, "max_error": 0.1}, "not both"),
        ({"max_error": 0.0001}, "choose kohya-sgm and fp32"),
        ({"lora": "s0"}, "not both"),
        ({"lora": "nope", "styles": {}}, "no usable LoRA"),
        ({"thumbnail": Path("nowhere.png")}, "no picture"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, studio: Studio, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        studio.exports.predict(_request(tmp_path, **changes))


def test_an_unknown_style_and_a_taken_name(tmp_path: Path, studio: Studio) -> None:
    with pytest.raises(UnknownStyleError, match="nope"):
        studio.exports.predict(_request(tmp_path, styles={"nope": 1.0}))
    request = _request(tmp_path)
    first = studio.exports.lora(request)
    with pytest.raises(InvalidRequestError, match="there already"):
        studio.exports.lora(request)
    again = studio.exports.lora(replace(request, replace=True, rank=1))
    assert again.file_bytes < first.file_bytes
    folder = replace(request, target=tmp_path, dialect=Dialect.PEFT, replace=True)
    with pytest.raises(InvalidRequestError, match="there already"):
        studio.exports.lora(folder)


def _refuse(number: int) -> object:
    def fsync(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync


def test_a_full_disk_and_a_locked_folder_leave_nothing(
    tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWrittenError, match="check the folder"):
        studio.exports.lora(_request(tmp_path, target=tmp_path / "file" / "x.safetensors"))
    for number, words in ((errno.ENOSPC, "the disk is full"), (errno.EACCES, "Permission denied")):
        with monkeypatch.context() as patch, pytest.raises(NotWrittenError, match=words):
            patch.setattr(os, "fsync", _refuse(number))
            studio.exports.lora(_request(tmp_path))
        with monkeypatch.context() as patch, pytest.raises(NotWrittenError, match=words):
            patch.setattr(os, "fsync", _refuse(number))
            studio.exports.bundle(None, tmp_path / "out" / "b.safetensors")
    assert not list((tmp_path / "out").iterdir())


def test_numbers_that_do_not_fit_are_not_left_behind(tmp_path: Path, studio: Studio) -> None:
    request = _request(tmp_path, styles={"s0": 1e12})
    with pytest.raises(NotWrittenError, match="choose fp32"):
        studio.exports.lora(request)
    assert not list((tmp_path / "out").iterdir())
    assert studio.exports.lora(replace(request, precision=Precision.FP32)).error < 1e-6


def _worn(studio: Studio, subspace: Subspace) -> dict[ModulePath, LoRALayer]:
    return blend_layers(subspace, studio.styles, BLEND)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
@pytest.mark.parametrize("name", ["merged", "merged.safetensors"])
def test_a_merged_checkpoint_is_the_base_with_the_blend_in_it(
    tmp_path: Path, studio: Studio, tiny_model: Path, base: BaseModel, name: str, precision: Precision
) -> None:
    current = studio.library.load_current(base.layout_hash)
    assert current is not None
    result = studio.exports.checkpoint(
        CheckpointExport(tmp_path / name, BLEND, precision, vae_precision=Precision.FP32)
    )
    if name == "merged":
        loaded = load_base(str(result.path), CPU).pipeline
    else:
        (tiny_model / "merges.txt").write_text((SDXL_REFERENCE / "merges.txt").read_text())
        loaded = load_checkpoint(result.path, torch.float32, reference=tiny_model)
    kinds = {info.dtype for info in read_header(_weights_of(result.path)).tensors.values()}
    assert kinds == ({"F32"} if precision is Precision.FP32 or name == "merged.safetensors" else {"F16"}) | (
        {"F16"} if precision is Precision.FP16 else set()
    )
    worn = _worn(studio, current[1])
    modules = dict(loaded.unet.named_modules())
    for path, layer in worn.items():
        if path.component is Component.UNET:
            weight = base.parameters[path]
            expected = (weight + (layer.up @ layer.down).view_as(weight)).to(precision.dtype).float()
            torch.testing.assert_close(modules[path.name].weight, expected, rtol=2e-3, atol=1e-6)
    assert result.file_bytes == sum(p.stat().st_size for p in _files(result.path))
    for part in PARTS:  # the studio's own base is bit for bit what it was
        ours, before = (
            getattr(studio.base.pipeline, part).state_dict(),
            getattr(base.pipeline, part).state_dict(),
        )
        assert all(torch.equal(ours[key], before[key]) for key in before)
    assert torch.equal(loaded.vae.decoder.conv_in.weight, base.pipeline.vae.decoder.conv_in.weight)


@pytest.mark.parametrize("prediction", list(Prediction))
@pytest.mark.parametrize("name", ["merged", "merged.safetensors"])
def test_a_merged_checkpoint_is_recognised_by_what_it_predicts(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, prediction: Prediction, name: str
) -> None:
    (tiny_model / "merges.txt").write_text((SDXL_REFERENCE / "merges.txt").read_text())
    for loader in (load_checkpoint, checkpoint_vae):
        monkeypatch.setattr(sources, loader.__name__, partial(loader, reference=tiny_model))
    options = LoadOptions(prediction=prediction)
    studio = Studio(str(tiny_model), tmp_path / "data", CPU, options)
    result = studio.exports.checkpoint(CheckpointExport(tmp_path / name, {}, Precision.FP32))
    again = load_base(str(result.path), CPU)
    assert again.variant.prediction is prediction
    ours, theirs = again.pipeline.scheduler.config, studio.base.pipeline.scheduler.config
    for key in ("prediction_type", "rescale_betas_zero_snr", "timestep_spacing"):
        assert ours[key] == theirs[key]
    if name != "merged":
        told = read_header(result.path).metadata["modelspec.prediction_type"]
        assert told == ("epsilon" if prediction is Prediction.EPSILON else "v")


def _files(path: Path) -> list[Path]:
    return [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]


def _weights_of(path: Path) -> Path:
    return path / "unet" / "diffusion_pytorch_model.safetensors" if path.is_dir() else path


def test_a_checkpoint_forgets_words_that_embeddings_added(
    tmp_path: Path, tiny_model: Path, base: BaseModel
) -> None:
    """A single file has no vocabulary, so its token embedding keeps CLIP's size."""
    studio = _studio(tmp_path, tiny_model, base)
    pipeline = studio.base.pipeline
    before = pipeline.text_encoder.get_input_embeddings().weight.shape[0]
    pipeline.load_textual_inversion(torch.ones(1, tiny.TEXT_WIDTHS[0]), token="<new>")
    assert pipeline.text_encoder.get_input_embeddings().weight.shape[0] == before + 1
    result = studio.exports.checkpoint(CheckpointExport(tmp_path / "x.safetensors", BLEND, Precision.FP32))
    name = "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight"
    assert read_header(result.path).tensors[name].shape[0] == before


def test_a_bundle_moves_styles_to_another_library(tmp_path: Path, studio: Studio, tiny_model: Path) -> None:
    path = tmp_path / "bundle.safetensors"
    assert studio.exports.bundle(["s0", "s2"], path) == path.stat().st_size
    other = Studio(str(tiny_model), tmp_path / "elsewhere", CPU)
    assert other.exports.import_bundle(path) == ("s0", "s2")
    assert set(other.styles) == {"s0", "s2"}
    for name, style in other.styles.items():
        assert style.trigger_words == studio.styles[name].trigger_words
        assert all(torch.equal(core, studio.styles[name].cores[p]) for p, core in style.cores.items())
    assert studio.exports.import_bundle(path) == ("s0", "s2")
    assert set(studio.styles) == {"s0", "s1", "s2"}
    with pytest.raises(UnknownStyleError, match="nope"):
        studio.exports.bundle(["nope"], tmp_path / "x.safetensors")
    with pytest.raises(InvalidRequestError, match="there already"):
        studio.exports.bundle(None, path)


def test_bundles_of_others_are_checked(tmp_path: Path, studio: Studio, tiny_model: Path) -> None:
    path = tmp_path / "bundle.safetensors"
    studio.exports.bundle(None, path)
    with pytest.raises(InvalidFileError, match=r"not an eigenlorax\.bundle"):
        studio.exports.import_bundle(next(iter(studio.library.lora_paths())))
    desk = Studio(str(tiny_model), tmp_path / "other", CPU).exports
    desk._base = replace(studio.base, layout_hash="0" * 64)
    with pytest.raises(WrongBaseError, match="another base"):
        desk.import_bundle(path)


def test_before_the_first_compression(tmp_path: Path, tiny_model: Path) -> None:
    studio = Studio(str(tiny_model), tmp_path / "empty", CPU)
    with pytest.raises(InvalidRequestError, match="press Compress"):
        studio.exports.predict(LoRAExport(tmp_path / "x.safetensors", {"a": 1.0}))
    with pytest.raises(InvalidRequestError, match="press Compress"):
        studio.exports.bundle(None, tmp_path / "x.safetensors")
    with pytest.raises(InvalidRequestError, match="press Compress"):
        studio.exports.checkpoint(CheckpointExport(tmp_path / "m", {"a": 1.0}))
    assert studio.exports.checkpoint(CheckpointExport(tmp_path / "m", {})).path.is_dir()
