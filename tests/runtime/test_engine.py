"""Both engines against weights written densely: any blend, any row, any step, and the base back bit for bit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from eigenlorax.dials import Dials
from eigenlorax.errors import UnknownStyleError
from eigenlorax.events import drain
from eigenlorax.lora import LoRA
from eigenlorax.module_path import Component
from eigenlorax.recipe import StyleBlend
from eigenlorax.runtime import styled
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.inject import Injection
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.packed import Wardrobe, table_of
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.fit import Goal, fit
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style, blend_layers
from eigenlorax.subspace.subspace import Subspace
from tests import tiny
from tests.runtime.test_graph import Recorder
from tests.runtime.test_live import anything

Store = tuple[Subspace, dict[str, Style]]
BLEND = {"a": 0.7, "c": -0.4, "d": 1.3}


@pytest.fixture(scope="module", params=[Numbers.FP16, Numbers.INT8])
def store(base: BaseModel, request: pytest.FixtureRequest) -> Store:
    """Two relatives in shared columns, one that is not, and one that changes every kind of parameter."""
    kinds = (Component.UNET, Component.TEXT_ENCODER)
    loras = tiny.relatives(base.layout, ["a", "b"])
    loras.append(tiny.lora(base.layout, "c", 4, 9, kinds))
    loras.append(LoRA("d", anything(base, 1), sha256="d"))
    result = drain(fit(loras, {}, base.layout_hash, Goal(retain=0.95, numbers=request.param)))
    styles = result.styles({lora.name: () for lora in loras})
    assert any(basis.core_shape[0] for basis in result.subspace.bases.values())
    assert any(style.residuals for style in styles.values())
    return result.subspace, styles


@pytest.fixture(params=[Mode.MERGED, Mode.LIVE])
def engine(base: BaseModel, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = Engine(base, request.param)
    yield engine
    engine.wear_nothing()


def asked(engine: Engine, rows: int = 2) -> Tensor:
    """The UNet's prediction for a fixed batch of equal rows, as the painter asks for it."""
    chance = torch.Generator().manual_seed(3)
    latents, tokens, pooled = (
        torch.randn(1, *shape, generator=chance).expand(rows, *shape)
        for shape in ((4, 8, 8), (77, sum(tiny.TEXT_WIDTHS)), (tiny.TEXT_WIDTHS[1],))
    )
    with torch.no_grad():
        prompt = Prompt(tokens, pooled, torch.ones(rows, 6))
        return engine.brush().unet(latents.contiguous(), torch.tensor(500), prompt)


def told(engine: Engine, rows: int = 1) -> Tensor:
    """The first text encoder's states."""
    ids = torch.randint(90, (1, 77), generator=torch.Generator().manual_seed(4)).expand(rows, 77)
    with torch.no_grad():
        return engine.base.pipeline.text_encoder(ids).last_hidden_state


def dense(base: BaseModel, store: Store, blend: StyleBlend) -> tuple[Tensor, Tensor]:
    """What weights that were written densely predict."""
    with Injection(base.parameters) as injection:
        injection.apply(blend_layers(*store, blend))
        bare = Engine(base)
        return asked(bare), told(bare)


def near(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=2e-4, atol=2e-5)


def weights(base: BaseModel) -> Mapping[object, Tensor]:
    return {path: parameter.detach().clone() for path, parameter in base.parameters.items()}


@pytest.mark.parametrize("blend", [{"a": 1.0}, {"c": 1.0}, BLEND, {"a": 0.0, "b": 0.0}])
def test_a_blend_is_what_dense_weights_are(engine: Engine, store: Store, blend: StyleBlend) -> None:
    expected = dense(engine.base, store, blend)
    engine.wear_blend(*store, BLEND | {"b": 2.0})
    engine.wear_blend(*store, blend)
    near(asked(engine), expected[0])
    near(told(engine), expected[1])


def test_the_base_comes_back_bit_for_bit(engine: Engine, store: Store) -> None:
    before, bare = weights(engine.base), asked(engine)
    for blend in ({"a": 1.0}, BLEND, {"d": 0.2}):
        engine.wear_blend(*store, blend)
        assert not torch.equal(asked(engine), bare)
    with pytest.raises(UnknownStyleError):
        engine.wear_blend(*store, {"nobody": 1.0})
    engine.wear_nothing()
    assert all(torch.equal(before[path], parameter) for path, parameter in engine.base.parameters.items())
    assert not any(module._forward_hooks for module in engine.base.modules.values())
    assert torch.equal(asked(engine), bare)


def test_a_state_is_the_same_after_any_number_of_others(engine: Engine, store: Store) -> None:
    engine.wear_blend(*store, BLEND)
    first, chance = (asked(engine), told(engine)), torch.Generator().manual_seed(5)
    for _ in range(200):
        drawn = torch.randn(4, generator=chance).tolist()
        engine.wear_blend(*store, dict(zip("abcd", drawn, strict=True)))
    engine.wear_blend(*store, BLEND)
    assert torch.equal(asked(engine), first[0])
    assert torch.equal(told(engine), first[1])


def test_every_picture_of_a_batch_wears_its_own_blend(engine: Engine, store: Store) -> None:
    blends = [BLEND, {"b": 1.0}, {}]
    expected = [dense(engine.base, store, blend) for blend in blends]
    engine.wear_blends(*store, blends)
    assert engine.brush().per_picture
    states = told(engine, 3)
    alone = asked(engine, 3)
    guided = asked(engine, 6)  # negatives of all, then positives of all
    for row, (predicted, encoded) in enumerate(expected):
        near(alone[row], predicted[0])
        near(guided[row], predicted[0])
        near(guided[3 + row], predicted[0])
        near(states[row], encoded[0])


def test_dials_turn_regions_and_follow_their_curve(engine: Engine, store: Store) -> None:
    expected = {strength: dense(engine.base, store, {"c": strength}) for strength in (0.0, 0.5, 1.0)}
    dials = {"a": Dials(unet=0.0), "c": Dials(text_encoder=0.5, curve=((0.0, 1.0), (1.0, 0.0)))}
    engine.wear_blend(*store, {"a": 1.0, "c": 1.0}, dials)
    brush = engine.brush()
    near(told(engine), expected[0.5][1])
    for index, strength in ((0, 1.0), (1, 0.5), (2, 0.0), (0, 1.0)):
        brush.at_step(index, 3)
        near(asked(engine), expected[strength][0])


def test_more_styles_than_there_is_room_for(
    engine: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styled, "ROOM", 1)
    subspace, styles = store
    many = {f"{name}{i}": replace(styles[name], name=f"{name}{i}") for name in "cd" for i in range(3)}
    blends = [dict.fromkeys(list(many)[:count], 0.3) for count in (1, 3, 6)]
    expected = [dense(engine.base, (subspace, many), blend)[0] for blend in blends]
    for blend, predicted in zip(blends, expected, strict=True):
        engine.wear_blend(subspace, many, blend)
        near(asked(engine), predicted)


def test_recordings_stay_right_through_switches_and_are_never_made_anew(
    base: BaseModel, store: Store
) -> None:
    for mode in (Mode.MERGED, Mode.LIVE):
        recorder = Recorder()
        blends = [{"a": 1.0}, {"b": 0.5, "c": 1.0}, BLEND]
        eager = Engine(base, mode)
        expected = []
        for blend in blends:
            eager.wear_blend(*store, blend)
            expected.append(asked(eager))
        eager.wear_nothing()
        engine = Engine(base, mode, recorder)
        for turn, (blend, predicted) in enumerate([*zip(blends, expected, strict=True)] * 2):
            engine.wear_blend(*store, blend)
            assert torch.equal(asked(engine), predicted), turn
        assert recorder.recorded == 1
        engine.wear_blends(*store, blends)
        for rows in (3, 6, 3):
            together = asked(engine, rows)
            for row in range(rows):
                near(together[row], expected[row % 3][0])
        assert recorder.recorded == 3
        engine.wear_blend(*store, {"a": 1.0})
        near(asked(engine, 3)[2], expected[0][0])
        engine.wear_nothing()


def test_prompts_are_kept_apart_by_what_text_encoders_wear(engine: Engine, store: Store) -> None:
    subspace, styles = store

    def key(blend: StyleBlend) -> object:
        engine.wear_blend(subspace, styles, blend)
        return engine.brush().text_key

    nothing = key({})
    assert key({"a": 1.0}) == nothing  # leaves text encoders alone
    once = key({"c": 1.0})
    assert once != nothing
    assert key({"c": 1.0, "a": 0.3}) == once
    assert key({"c": 0.5}) != once
    assert key({"c": 1.0}) == once
    styles = styles | {"c": replace(styles["c"])}  # as if it had learnt
    assert key({"c": 1.0}) != once


def test_a_worn_blend_is_not_put_on_again_unless_a_style_has_changed(engine: Engine, store: Store) -> None:
    subspace, styles = store
    expected = dense(engine.base, store, {"b": 0.7, "c": -0.4, "d": 1.3})
    assert engine.wear_blend(subspace, styles, BLEND) > 0.0
    assert engine.wear_blend(subspace, styles, dict(reversed(BLEND.items())) | {"b": 0.0}) == 0.0
    assert engine.wear_blend(subspace, styles | {"a": replace(styles["b"], name="a")}, BLEND) > 0.0
    near(asked(engine), expected[0])


def test_originals_are_worn_by_either_engine(engine: Engine, base: BaseModel) -> None:
    lora = LoRA("x", anything(base, 2), sha256="x")
    engine.wear_lora(lora, 0.5)
    with_lora = asked(engine), told(engine)
    engine.wear_nothing()
    with Injection(base.parameters) as injection:
        injection.apply({path: layer.scaled(0.5) for path, layer in lora.layers.items()})
        bare = Engine(base)
        near(with_lora[0], asked(bare))
        near(with_lora[1], told(bare))


def test_styles_not_worn_for_longest_are_put_away(base: BaseModel, store: Store) -> None:
    subspace, styles = store
    wardrobe = Wardrobe(table_of(subspace, list(subspace.bases)), torch.device("cpu"), torch.float32, 0)
    one, two = styles["c"], styles["d"]
    wardrobe.get([one])
    alone = wardrobe.nbytes
    wardrobe.get([two])
    wardrobe.get([one])
    assert wardrobe.nbytes == alone
    both = wardrobe.get([one, two])
    assert wardrobe.nbytes == sum(packed.nbytes for packed in both) > alone
