"""Pictures of blends, batches, morphs and dials are those drawn one by one, whatever the card does meanwhile."""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from PIL import Image

from eigenlorax.dials import Dials
from eigenlorax.easel import Drawn
from eigenlorax.errors import CardFullError
from eigenlorax.events import drain
from eigenlorax.export.request import CheckpointExport
from eigenlorax.module_path import Component
from eigenlorax.recipe import ControlHint, GenerationRequest, Hires
from eigenlorax.runtime import styled
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.ladder import SteppedDown
from eigenlorax.runtime.options import LoadOptions, Mode, Placement
from eigenlorax.runtime.paint import Preview, Step
from eigenlorax.runtime.plan import GIB, Needs, Peaks, Plan
from eigenlorax.runtime.pool import Pool
from eigenlorax.studio import Studio
from tests import tiny
from tests.conftest import CPU

REQUEST = GenerationRequest("a cat", seed=3, steps=2, guidance=4.0, width=64, height=64)
BLENDS = ({"s0": 1.0}, {"s2": 1.0, "s1": -0.5}, {}, {"s0": 0.3, "s2": -1.0})


@dataclass(frozen=True)
class Room:
    """A studio with three styles, the third of which changes text encoders too, and what its base was."""

    studio: Studio
    weights: dict[str, torch.Tensor]

    @property
    def engine(self) -> Engine:
        return self.studio._engine

    def draw(self, **changes: object) -> Drawn:
        return drain(self.studio.easel.styled(replace(REQUEST, **changes)))

    def state(self) -> dict[str, torch.Tensor]:
        parts = {c.value: getattr(self.studio.base.pipeline, c.value) for c in Component}
        return {f"{part}.{name}": t for part, one in parts.items() for name, t in one.state_dict().items()}

    def undressed(self) -> None:
        """The base is what it was, bit for bit, once nothing is worn."""
        self.engine.wear_nothing()
        assert all(torch.equal(self.weights[name], tensor) for name, tensor in self.state().items())
        assert not any(module._forward_hooks for module in self.studio.base.modules.values())


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[Mode, Room]:
    """A studio for each wish, over one library."""
    folder, found = tmp_path_factory.mktemp("easel"), {}
    for mode in (Mode.MERGED, Mode.LIVE, Mode.AUTO):
        studio = Studio(str(tiny_model), folder / "data", CPU, LoadOptions(mode=mode))
        if not studio.styles:
            for number, components in enumerate(((Component.UNET,), (Component.UNET,), tuple(Component))):
                lora = tiny.lora(studio.base.layout, f"s{number}", 4, number, components, strength=3.0)
                tiny.write_lora(folder / "dropped" / f"s{number}.safetensors", lora)
            studio.import_paths([folder / "dropped"])
            drain(studio.subspaces.compress())
        room = Room(studio, {})
        room.weights.update({name: tensor.clone() for name, tensor in room.state().items()})
        found[mode] = room
    return found


@pytest.fixture(params=[Mode.MERGED, Mode.LIVE])
def room(rooms: dict[Mode, Room], request: pytest.FixtureRequest) -> Iterator[Room]:
    yield rooms[request.param]
    rooms[request.param].undressed()


def near(one: Image.Image, other: Image.Image) -> bool:
    """At most one level of 255 apart in any pixel."""
    return bool(np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1)


def alike(one: Drawn, others: list[Image.Image]) -> None:
    assert len(one.images) == len(others)
    assert all(near(a, b) for a, b in zip(one.images, others, strict=True))


def test_each_picture_of_a_batch_wears_its_own_blend(room: Room) -> None:
    alone = [room.draw(styles=blend).image for blend in BLENDS]
    assert len({image.tobytes() for image in alone}) == len(BLENDS)
    # Two pictures with guidance ask the UNet with as many rows as four begin with.
    alike(room.draw(blends=BLENDS[:2], batch=2), alone[:2])
    together = room.draw(blends=BLENDS, batch=4)
    assert together.mode is Mode.LIVE
    alike(together, alone)
    alike(room.draw(blends=BLENDS[:2], batch=2), alone[:2])
    again = room.draw(styles=BLENDS[1])
    assert again.mode is room.studio.easel._wish
    assert again.image.tobytes() == alone[1].tobytes()
    batch = room.draw(styles=BLENDS[1], batch=2)
    alike(batch, [alone[1], room.draw(styles=BLENDS[1], seed=4).image])


def test_blends_of_their_own_under_curves(room: Room) -> None:
    dials = {"s0": Dials(curve=((0.0, 0.0), (1.0, 2.0))), "s2": Dials(text_encoder=0.5)}
    alone = [room.draw(styles=blend, dials=dials).image for blend in BLENDS]
    assert not near(alone[0], room.draw(styles=BLENDS[0]).image)
    alike(room.draw(blends=BLENDS, batch=4, dials=dials), alone)
    alike(room.draw(blends=BLENDS[2:], batch=2, dials=dials), alone[2:])
    plain = [room.draw(styles=blend).image for blend in BLENDS]
    alike(room.draw(blends=BLENDS, batch=4), plain)


def test_dials_change_the_picture_where_they_are_turned(room: Room) -> None:
    plain, bare = room.draw(styles={"s2": 1.0}).image, room.draw().image
    off = Dials(unet=0.0, text_encoder=0.0, text_encoder_2=0.0)
    assert near(room.draw(styles={"s2": 1.0}, dials={"s2": off}).image, bare)
    half = room.draw(styles={"s2": 0.5}).image
    halves = Dials(unet=0.5, text_encoder=0.5, text_encoder_2=0.5)
    assert near(room.draw(styles={"s2": 1.0}, dials={"s2": halves}).image, half)
    level = Dials(text_encoder=0.5, text_encoder_2=0.5, curve=((0.5, 0.5),))
    assert near(room.draw(styles={"s2": 1.0}, dials={"s2": level}).image, half)
    for region in ("composition", "content", "style", "detail", "text_encoder", "text_encoder_2"):
        turned = room.draw(styles={"s2": 1.0}, dials={"s2": Dials(**{region: -2.0})}).image
        assert not near(turned, plain), region
    ends = [Dials(curve=((0.0, 0.0), (1.0, 3.0))), Dials(curve=((0.0, 3.0), (1.0, 0.0)))]
    first, second = (room.draw(styles={"s2": 1.0}, dials={"s2": dial}).image for dial in ends)
    assert not near(first, second)
    assert room.draw(styles={"s2": 1.0}).image.tobytes() == plain.tobytes()


def test_the_second_pass_wears_the_blends_too(room: Room) -> None:
    hires = Hires(1.25, 1, 0.6)
    alone = [room.draw(styles=blend, hires=hires).image for blend in BLENDS[:2]]
    together = room.draw(blends=BLENDS[:2], batch=2, hires=hires)
    assert together.image.size == (80, 80)
    alike(together, alone)


def cut(room: Room, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    base = room.studio.base
    monkeypatch.setattr(type(base), "plan", lambda _self, _needs: Plan(Placement.CPU, at_once=at_once))


@pytest.mark.parametrize("at_once", [1, 3])
def test_as_many_at_once_as_memory_allows_gives_the_same(
    room: Room, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole, own = room.draw(styles=BLENDS[1], batch=4), room.draw(blends=BLENDS, batch=4)
    cut(room, monkeypatch, at_once)
    events = list(room.studio.easel.styled(replace(REQUEST, styles=BLENDS[1], batch=4), previews=2))
    turns = -(-4 // at_once)
    steps = [event for event in events if isinstance(event, Step)]
    assert [event.done for event in steps] == list(range(1, 2 * turns + 1))
    assert {event.total for event in events if isinstance(event, Step | Preview)} == {2 * turns}
    assert sum(len(event.images) for event in events if isinstance(event, Preview)) == 4
    alike(room.draw(styles=BLENDS[1], batch=4), list(whole.images))
    alike(room.draw(blends=BLENDS, batch=4), list(own.images))


def rungs() -> list[Plan]:
    """Ever leaner, all on the CPU, which stands in for the card."""
    steps = [(Placement.GPU, False, 4), (Placement.GPU, True, 1), (Placement.MODEL_OFFLOAD, True, 1),
             (Placement.SEQUENTIAL, True, 1)]  # fmt: skip
    return [
        Plan(place, tiling, at_once, Peaks(0, (9 - number) * GIB, 0), 8 * GIB, f"rung {number}")
        for number, (place, tiling, at_once) in enumerate(steps)
    ]


@pytest.fixture
def card(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """The room on a card, whose fastest plan is the first of `rungs`."""
    base = type(room.studio.base)
    monkeypatch.setattr(base, "plan", lambda _self, _needs: rungs()[0])
    monkeypatch.setattr(base, "rungs", lambda _self, _needs: rungs())
    yield room
    room.studio.base.placed.release()


def full(room: Room, when: Callable[[int, Placement], bool]) -> Callable[[], None]:
    """Memory runs out inside the UNet at the calls that `when` says; returns what ends that."""
    calls = [0]

    def check(*_: object) -> None:
        calls[0] += 1
        if when(calls[0], room.studio.base.placed.plan.placement):
            raise torch.OutOfMemoryError("CUDA out of memory.\nmore")

    return room.studio.base.pipeline.unet.mid_block.register_forward_pre_hook(check).remove


@pytest.mark.parametrize("changes", [{"styles": BLENDS[1], "batch": 2}, {"blends": BLENDS, "batch": 4}])
def test_a_card_that_fills_up_gives_the_same_pictures(card: Room, changes: dict[str, object]) -> None:
    expected = card.draw(**changes)
    for most in (1, 3):
        end = full(card, lambda call, _, most=most: call <= most)
        events, drawing = [], card.studio.easel.styled(replace(REQUEST, **changes))
        try:
            while True:
                events.append(next(drawing))
        except StopIteration as stop:
            drawn: Drawn = stop.value
        end()
        told = [event for event in events if isinstance(event, SteppedDown)]
        assert [event.plan for event in told] == rungs()[1 : most + 1]
        assert drawn.plan == rungs()[most]
        assert drawn.mode is (Mode.LIVE if most > 1 else card.studio.easel._wish)
        alike(drawn, list(expected.images))
        assert card.draw(**changes).image.tobytes() == expected.image.tobytes()


@pytest.mark.parametrize("times", [1, 2])
def test_memory_that_runs_out_while_rows_are_dressed_leaves_no_claim(
    card: Room, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """With blends of their own the UNet is dressed once more when its rows are known."""
    expected, dresser, failed = card.draw(blends=BLENDS, batch=4), card.engine._dresser, []
    card.draw()
    whole = dresser.dress_unet

    def dress(outfit: object, mode: Mode, rows: int, progress: float = 0.0) -> int:
        if rows == 8 and len(failed) < times:
            failed.append(rows)
            raise torch.OutOfMemoryError("full")
        return whole(outfit, mode, rows, progress)

    monkeypatch.setattr(dresser, "dress_unet", dress)
    leaner = [replace(rungs()[0], peaks=Peaks(0, peak, 0)) for peak in (2, 1)]
    monkeypatch.setattr(type(card.studio.base), "rungs", lambda *_: leaner)
    alike(card.draw(blends=BLENDS, batch=4), list(expected.images))
    assert failed == [8] * times


def test_a_card_that_is_too_small_says_so_and_harms_nothing(card: Room) -> None:
    before = card.draw(styles=BLENDS[1])
    end = full(card, lambda *_: True)
    with pytest.raises(CardFullError):
        card.draw(styles=BLENDS[1])
    end()
    assert card.studio.base.device.type == "cpu"
    alike(card.draw(styles=BLENDS[1]), list(before.images))


@pytest.mark.parametrize("placement", [Placement.MODEL_OFFLOAD, Placement.SEQUENTIAL])
def test_styles_are_live_on_parts_that_come_and_go(
    room: Room, monkeypatch: pytest.MonkeyPatch, placement: Placement
) -> None:
    changes = [
        {"styles": BLENDS[1]},
        {"blends": BLENDS, "batch": 4},
        {"styles": BLENDS[3], "dials": {"s0": Dials(curve=((0.0, 1.0), (1.0, -1.0)))}},
    ]
    expected = [room.draw(**change) for change in changes]
    monkeypatch.setattr(type(room.studio.base), "plan", lambda *_: Plan(placement, at_once=4))
    for change, wanted in zip(changes, expected, strict=True):
        drawn = room.draw(**change)
        # Merged weights would have to lie where it is computed.
        assert drawn.mode is Mode.LIVE
        alike(drawn, list(wanted.images))
    room.studio.base.placed.release()


def test_the_mode_follows_the_plan(rooms: dict[Mode, Room], monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged as long as a second copy of the weights changes nothing about the plan."""
    room = rooms[Mode.AUTO]
    picture = room.draw(styles=BLENDS[1])
    assert picture.mode is Mode.MERGED  # on a CPU
    subspace = room.studio._current.subspace
    copy = room.engine.pristine_bytes(subspace)
    unet = [path for path in subspace.bases if path.component is Component.UNET]
    assert copy == 4 * sum(room.studio.base.parameters[path].numel() for path in unet) > 0
    asked: list[int] = []

    def plan(free: int) -> Callable[[object, Needs], Plan]:
        def made(_self: object, needs: Needs) -> Plan:
            asked.append(needs.style_bytes)
            roomy = needs.style_bytes <= free
            return Plan(Placement.GPU, not roomy, 1, Peaks(0, needs.style_bytes, 0), 8 * GIB)

        return made

    base = type(room.studio.base)
    for missing, mode in ((0, Mode.MERGED), (1, Mode.LIVE), (0, Mode.MERGED)):
        live = room.engine.bytes_for(subspace, room.studio.styles, ["s1", "s2"])
        monkeypatch.setattr(base, "plan", plan(live + copy - missing))
        drawn = room.draw(styles=BLENDS[1])
        assert asked[-2:] == [live, live + copy]
        assert drawn.mode is mode
        assert near(drawn.image, picture.image)
    monkeypatch.setattr(base, "plan", lambda *_: Plan(Placement.MODEL_OFFLOAD))
    assert room.draw(styles=BLENDS[1]).mode is Mode.LIVE
    room.studio.base.placed.release()
    room.undressed()


def test_settling_on_another_mode_takes_everything_off_and_gives_memory_back(
    rooms: dict[Mode, Room],
) -> None:
    room = rooms[Mode.AUTO]
    room.draw(styles=BLENDS[1])
    injection = room.engine._dresser.injection
    assert injection._pristine
    room.engine.settle(Mode.MERGED, recorded=False)
    assert room.draw(styles=BLENDS[1]).switch_ms == 0.0
    room.engine.settle(Mode.LIVE, recorded=False)
    assert not injection._pristine
    assert all(torch.equal(room.weights[name], tensor) for name, tensor in room.state().items())
    assert room.engine.mode is Mode.LIVE
    room.undressed()


def test_an_export_leaves_no_second_copy_of_the_weights_to_the_live_engine(
    rooms: dict[Mode, Room], tmp_path: Path
) -> None:
    room = rooms[Mode.LIVE]
    worn = room.draw(styles=BLENDS[1])
    room.studio.exports.checkpoint(CheckpointExport(tmp_path / "merged.safetensors", BLENDS[3]))
    assert not room.engine._dresser.injection._pristine
    assert room.draw(styles=BLENDS[1]).image.tobytes() == worn.image.tobytes()
    room.undressed()


def test_cancelling_anywhere_frees_the_lock_and_harms_nothing(room: Room) -> None:
    before = room.draw(styles=BLENDS[3])
    for count in (1, 2):
        drawing = room.studio.easel.styled(replace(REQUEST, blends=BLENDS, batch=4))
        for _ in range(count):
            next(drawing)
        assert room.studio._lock.locked()
        drawing.close()
        assert not room.studio._lock.locked()
    assert room.draw(styles=BLENDS[3]).image.tobytes() == before.image.tobytes()


def test_originals_between_styles(room: Room) -> None:
    """A LoRA, a blend, a batch of blends and the bare base in any order are what they are alone."""
    (lora,) = room.studio.originals(["s2"])
    easel = room.studio.easel
    draws: list[Callable[[], Drawn]] = [
        lambda: drain(easel.lora(REQUEST, lora)),
        lambda: room.draw(styles=BLENDS[1]),
        lambda: room.draw(blends=BLENDS, batch=4),
        lambda: drain(easel.bare(REQUEST)),
    ]
    room.engine.wear_nothing()
    first = [draw().image.tobytes() for draw in draws]
    assert len(set(first)) == 4
    for order in ((1, 0, 2, 0, 3), (0, 3, 0, 1, 2, 3, 1)):
        assert [draws[number]().image.tobytes() for number in order] == [first[number] for number in order]


def test_prompts_are_read_anew_for_a_lora_of_no_file(room: Room) -> None:
    """Two mixtures of one name, as looking at components makes them, are two LoRAs to the text encoders."""
    (lora,) = room.studio.originals(["s2"])
    pictures = [
        drain(room.studio.easel.lora(REQUEST, replace(lora, sha256="", layers=layers))).image.tobytes()
        for layers in ({p: layer.scaled(s) for p, layer in lora.layers.items()
                        if p.component is not Component.UNET} for s in (3.0, -3.0, 3.0))
    ]  # fmt: skip
    assert pictures[0] == pictures[2] != pictures[1]


def test_a_pool_that_grows_is_gone_before_the_larger_one_asks_for_memory(
    rooms: dict[Mode, Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styled, "ROOM", 1)
    make, alive, numbers = styled.Pool, [], []

    def made(*args: object, **kwargs: object) -> Pool:
        alive.append(sum(number() is not None for number in numbers))
        pool = make(*args, **kwargs)
        numbers.extend(weakref.ref(buffer) for buffer in pool._buffers.values())
        return pool

    monkeypatch.setattr(styled, "Pool", made)
    room = rooms[Mode.LIVE]
    subspace, styles = room.studio._current.needed(), room.studio.styles
    many = {f"{name}{i}": replace(styles[name], name=f"{name}{i}") for name in ("s0", "s1") for i in range(4)}
    for count in (1, 8):
        room.engine.wear_blend(replace(subspace), many, dict.fromkeys(list(many)[:count], 0.1))
    assert alive == [0, 0]
    room.undressed()


def test_a_controlnet_is_planned_for_and_leaves_the_card(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    net = ControlNetModel.from_unet(room.studio.base.pipeline.unet)
    net.save_pretrained(tmp_path / "net")
    asked, plan = [], type(room.studio.base).plan
    monkeypatch.setattr(
        type(room.studio.base),
        "plan",
        lambda self, needs: (asked.append(needs.style_bytes), plan(self, needs))[1],
    )
    hint = ControlHint(str(tmp_path / "net"), Image.new("RGB", (64, 64)))
    bare = room.draw()
    assert near(room.draw(control=hint).image, bare.image)  # an untrained one changes nothing
    assert asked == [0, 4 * sum(p.numel() for p in net.parameters())]
    kept = room.studio.easel._controls._model
    kept.to("meta")
    moved = []
    monkeypatch.setattr(kept, "to", lambda *args: moved.append(args))
    room.draw()
    assert moved == [("cpu",)]
    kept.to_empty(device="cpu")  # the room is shared: who draws next moves it in earnest


@pytest.mark.parametrize("blends", [(), ({"s0": 1.0}, {"s2": 1.0}, {})], ids=["one blend", "a blend each"])
@pytest.mark.parametrize("longer", ["a dog", "y " * 80], ids=["alike", "longer"])
def test_pictures_with_prompts_of_their_own_are_those_drawn_alone(
    room: Room, longer: str, blends: tuple[dict[str, float], ...]
) -> None:
    each = [("a cat", ""), (longer, "fog"), ("a bird", "")]
    request = replace(REQUEST, batch=3, styles={"s0": 0.7}, blends=blends).with_prompts(each)
    together = drain(room.studio.easel.styled(request)).images
    for place, image in enumerate(together):
        assert near(drain(room.studio.easel.styled(request.of_picture(place))).image, image)
    assert not near(together[0], together[2])
    room.undressed()
