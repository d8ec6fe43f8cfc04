"""Pictures ready to be learnt from: encoded once, split, batched, and the same after any interruption."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image

from eigenlorax.errors import InvalidFileError, InvalidRequestError
from eigenlorax.events import drain
from eigenlorax.runtime.pixels import from_latents, pixels_of, to_latents
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training import latent_cache
from eigenlorax.training.buckets import Bucket, framed
from eigenlorax.training.captions import Wording, captions_of
from eigenlorax.training.latent_cache import LatentCache, vae_hash
from eigenlorax.training.picture_set import PictureSet, Preparation, Prepared, Telling, prepare
from eigenlorax.training.pictures import Taken, survey
from tests import tiny


def drop(folder: Path, sizes: list[tuple[int, int]]) -> list[Taken]:
    """Smooth pictures of random colours, taken."""
    for place, size in enumerate(sizes):
        chance = np.random.default_rng(place)
        small = Image.fromarray(chance.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize(size, Image.Resampling.BICUBIC).save(folder / f"{place:02}.png")
    return [fate for fate in survey([folder]) if isinstance(fate, Taken)]


def ready(
    taken: list[Taken], base: BaseModel, preparation: Preparation, cache: Path | None = None
) -> PictureSet:
    return drain(prepare(taken, captions_of(taken, Wording("zxc")), base.pipeline.vae, preparation, cache))


def same(first: PictureSet, second: PictureSet) -> bool:
    """Whether two sets hold the same numbers."""

    def numbers(found: PictureSet) -> list[torch.Tensor]:
        both = [(picture.latents, picture.mirrored) for picture in found.pictures]
        return [tensor for pair in both for tensor in pair if tensor is not None]

    pairs = zip(numbers(first), numbers(second), strict=True)
    return all(torch.equal(one, other) for one, other in pairs) and first.held == second.held


def test_pictures_are_encoded_as_they_are_framed(tmp_path: Path, demo_base: BaseModel) -> None:
    taken = drop(tmp_path, [(128, 128), (256, 128), (300, 280), (128, 150)])
    side, vae = demo_base.native_size, demo_base.pipeline.vae
    found = ready(taken, demo_base, Preparation(side, mirrors=True))
    assert side == 128 and [picture.bucket for picture in found.pictures] == [
        (128, 128), (184, 88), (136, 120), (120, 136),
    ]  # fmt: skip
    for picture, source in zip(found.pictures, taken, strict=True):
        framing = framed(source.size, picture.bucket)
        image = framing.cut(Image.open(source.path))
        assert torch.equal(picture.latents, to_latents(vae, pixels_of(image) * 2 - 1)[0])
        assert (picture.sha256, picture.name) == (source.sha256, source.path.name)
        assert picture.caption == "a picture, zxc" and picture.conditioning == framing.conditioning
        back = (from_latents(vae, picture.latents[None]) / 2 + 0.5).clamp(0, 1)
        assert float((back - pixels_of(image)).abs().mean()) < 0.06
        if picture.held_out:
            assert picture.mirrored is None
        else:
            assert picture.mirrored is not None
            back = (from_latents(vae, picture.mirrored[None]) / 2 + 0.5).clamp(0, 1)
            assert float((back.flip(-1) - pixels_of(image)).abs().mean()) < 0.06


def test_batches_of_a_set(tmp_path: Path, base: BaseModel) -> None:
    taken = drop(tmp_path, [(64, 64), (70, 70), (65, 65), (128, 64), (64, 128), (66, 66), (140, 70)])
    found = ready(taken, base, Preparation(tiny.SIDE, mirrors=True))
    assert len(found.held) == 1 and sorted([*found.learnt, *found.held]) == list(range(7))
    seen: set[tuple[int, bool]] = set()
    for step in range(24):
        batch = found.batch(step, 3, seed=5)
        latents = found.latents(batch)
        width, height = found.pictures[batch.indices[0]].bucket
        assert latents.shape == (3, 4, height // 8, width // 8) and set(batch.indices) <= set(found.learnt)
        seen |= set(zip(batch.indices, batch.mirrored, strict=True))
        for row, index, mirrored in zip(latents, batch.indices, batch.mirrored, strict=True):
            picture = found.pictures[index]
            expected = picture.mirrored if mirrored else picture.latents
            assert expected is not None and torch.equal(row, expected)
        assert found.captions(batch) == ("a picture, zxc",) * 3
        native = found.time_ids(batch, Telling.NATIVE)
        assert native.tolist() == [[height, width, 0, 0, height, width]] * 3
        true = found.time_ids(batch)
        assert true.tolist() == [list(found.pictures[i].conditioning) for i in batch.indices]
    assert seen == {(index, mirrored) for index in found.learnt for mirrored in (False, True)}
    assert sorted(i for group in found.held_groups for i in group) == list(found.held)


def test_the_split_is_by_seed_and_few_pictures_are_measured_by_other_views(
    tmp_path: Path, base: BaseModel
) -> None:
    taken = drop(tmp_path, [(80, 64), (64, 64), (64, 100), (90, 90)])
    four = [ready(taken, base, Preparation(tiny.SIDE, seed=seed)) for seed in range(6)]
    assert all(found.held_apart and len(found.held) == 1 and found.words == () for found in four[:1])
    assert len({found.held for found in four}) > 1
    three = ready(taken[:3], base, Preparation(tiny.SIDE))
    assert not three.held_apart and three.learnt == (0, 1, 2) and three.held == tuple(range(3, 9))
    assert "fewer than 4" in three.words[-1]
    for index in three.held:
        other = three.pictures[index]
        own = next(three.pictures[i] for i in three.learnt if three.pictures[i].sha256 == other.sha256)
        assert other.latents.shape == own.latents.shape and other.bucket == own.bucket
        assert float((other.latents - own.latents).abs().max()) > 1e-3


def test_what_the_user_should_know_is_said(tmp_path: Path, base: BaseModel) -> None:
    taken = drop(tmp_path, [(64, 64), (64, 300), (64, 72), (200, 200)])
    words = "\n".join(ready(taken, base, Preparation(256)).words)
    assert "00.png (64 × 64) is enlarged 4.0 times" in words and "03.png (200 × 200) is enlarged 1.3" in words
    assert "01.png is cropped to the middle" in words and "64 × 300" in words
    assert ready(taken[3:], base, Preparation(64)).words[0].startswith("with fewer")


def test_progress_and_what_cannot_be_prepared(tmp_path: Path, base: BaseModel) -> None:
    taken = drop(tmp_path, [(64, 64)] * 5)
    captions = captions_of(taken, Wording("zxc"))
    told = list(prepare(taken, captions, base.pipeline.vae, Preparation(tiny.SIDE)))
    assert told == [Prepared(done, 5) for done in range(6)]
    with pytest.raises(InvalidRequestError, match="no picture"):
        drain(prepare([], (), base.pipeline.vae, Preparation(tiny.SIDE)))
    with pytest.raises(InvalidRequestError, match=r"04\.png has no caption"):
        drain(prepare(taken, captions[:4], base.pipeline.vae, Preparation(tiny.SIDE)))
    taken[2].path.unlink()
    with pytest.raises(InvalidFileError, match=r"02\.png does not exist"):
        drain(prepare(taken, captions, base.pipeline.vae, Preparation(tiny.SIDE)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_latents_are_made_once_and_broken_ones_anew(
    tmp_path: Path, base: BaseModel, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source := tmp_path / "in").mkdir()
    taken, cache = drop(source, [(64, 64), (80, 64), (64, 90), (70, 64)]), tmp_path / "kept"
    preparation = Preparation(tiny.SIDE, mirrors=True, dtype=dtype)
    first = ready(taken, base, preparation, cache)
    assert first.pictures[0].latents.dtype is dtype
    assert same(first, ready(taken, base, preparation))  # without a cache
    files = sorted(cache.iterdir())
    assert len(files) == 4 + 3 and all(file.suffix == ".safetensors" for file in files)
    made: list[torch.Tensor] = []

    def counted(vae: AutoencoderKL, colours: torch.Tensor) -> torch.Tensor:
        made.append(colours)
        return to_latents(vae, colours)

    monkeypatch.setattr(latent_cache, "to_latents", counted)
    assert same(first, ready(taken, base, preparation, cache)) and made == []
    whole = [file.read_bytes() for file in files]
    for place, file in enumerate(files[:5]):
        content = bytearray(whole[place])
        content[-3] ^= 1  # one bit of a number
        spoilt = [bytes(content), whole[place][:-7], b"", b"not a tensor", whole[place + 1]]
        file.write_bytes(spoilt[place])
    assert same(first, ready(taken, base, preparation, cache)) and len(made) == 5
    assert [file.read_bytes() for file in sorted(cache.iterdir())] == whole


def test_what_latents_depend_on_is_told_apart(tmp_path: Path, base: BaseModel) -> None:
    (source := tmp_path / "in").mkdir()
    (taken,) = drop(source, [(80, 64)])
    vae, cache = base.pipeline.vae, tmp_path / "kept"
    bucket = Bucket(64, 64)
    framings = [framed(taken.size, bucket), framed(taken.size, bucket, place=(0.0, 0.5))]
    framings += [framings[0].turned(), framed(taken.size, bucket, 1.5), framed(taken.size, Bucket(72, 56))]
    for dtype in (torch.float32, torch.float16):
        for framing in framings:
            LatentCache(vae, cache, dtype).latents(taken, framing)
    assert len(list(cache.iterdir())) == 10
    before, weight = vae_hash(vae), next(vae.parameters())
    old = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.view(-1)[0] += 1e-3
        assert vae_hash(vae) != before
        LatentCache(vae, cache).latents(taken, framings[0])
    finally:
        with torch.no_grad():
            weight.copy_(old)
    assert len(list(cache.iterdir())) == 11 and vae_hash(vae) == before


def test_a_folder_that_cannot_be_written_costs_the_copies_only(tmp_path: Path, base: BaseModel) -> None:
    (source := tmp_path / "in").mkdir()
    taken = drop(source, [(64, 64)] * 4)
    (blocked := tmp_path / "file").write_text("no folder")
    found = ready(taken, base, Preparation(tiny.SIDE), blocked / "kept")
    assert same(found, ready(taken, base, Preparation(tiny.SIDE)))
    assert "cannot be kept" in found.words[-1]
