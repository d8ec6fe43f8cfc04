"""What the bare base draws of the subject: the same each time, and in the loss with its weight."""

from collections.abc import Iterator

import pytest
import torch

from eigenlorax.events import drain
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training.captions import Wording
from eigenlorax.training.predictor import Predictor
from eigenlorax.training.preservation import ClassMaterial, class_captions, class_latents, class_words
from eigenlorax.training.shown import Material
from tests import tiny


@pytest.fixture(scope="module")
def predictor(base: BaseModel) -> Iterator[Predictor]:
    with LiveInjection(base.modules) as live:
        yield Predictor(base.pipeline, live, tiny.SIDE)


def test_captions_say_what_is_shown_without_the_trigger() -> None:
    told = ["zyx, a red house", "a tree, zyx", "zyxes by zyx", "zyx"]
    assert class_captions(told, Wording("zyx", " a  dog ")) == ("a picture of a dog",)
    assert class_captions(told, Wording("zyx")) == ("a red house", "a tree", "zyxes by", "a picture")
    assert class_captions(["a zy.x b"], Wording("zy.x")) == ("a b",)
    assert class_captions([], Wording("zyx")) == ("a picture",)


def test_as_many_as_keep_the_base_in_mind_and_no_more() -> None:
    assert [len(class_words(("a", "b"), count)) for count in (1, 5, 500)] == [8, 20, 48]
    assert class_words(("a", "b"), 1)[:3] == ("a", "b", "a")


def test_pictures_differ_and_are_drawn_alike_each_time(predictor: Predictor) -> None:
    words = ("a cat", "a dog", "a cat")
    before = torch.get_rng_state()
    one, two = (drain(class_latents(predictor, words, seed)) for seed in (1, 1))
    assert torch.equal(one, two)
    assert torch.equal(before, torch.get_rng_state())
    assert one.shape == (3, 4, 8, 8)
    assert one.isfinite().all()
    assert not torch.equal(one[0], one[2])
    other = drain(class_latents(predictor, words, 2))
    assert not torch.equal(one, other)


def test_the_material_shows_each_picture_as_often_as_the_others() -> None:
    latents = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 4, 8, 8)
    material = ClassMaterial(latents, tuple("abcde"), 64)
    assert isinstance(material, Material)
    drawn = [material.batch(step, 2, 3) for step in range(5)]
    counts = torch.stack([shown.latents[:, 0, 0, 0] for shown in drawn]).flatten().long().bincount()
    assert counts.tolist() == [2] * 5
    for shown in drawn:
        assert tuple("abcde"[int(n)] for n in shown.latents[:, 0, 0, 0]) == shown.captions
        assert shown.sizes.tolist() == [[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]] * 2
    assert not material.held_out()
