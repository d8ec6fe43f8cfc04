"""Teaching broken off, killed, resumed and watched: the same style, bit for bit, with where it comes from."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from eigenlorax import __version__
from eigenlorax.events import drain
from eigenlorax.library import reached as reached_file
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.cover import cover_of
from eigenlorax.library.provenance import provenance_of
from eigenlorax.library.style_card import pack_card, read_card, save_card
from eigenlorax.library.style_file import style_parts
from eigenlorax.module_path import Component
from eigenlorax.studio import Studio
from eigenlorax.subspace.style import Style
from eigenlorax.subspaces import learning_log
from eigenlorax.subspaces.learning_room import learning_subspace
from eigenlorax.subspaces.teaching import Sampled, TaughtStyle, TeachRequest
from eigenlorax.training import samples
from eigenlorax.training.captions import Wording
from eigenlorax.training.teach import TeachingStep
from eigenlorax.training.teach_settings import TeachSettings
from tests.conftest import CPU

QUICK = TeachSettings(steps=6, rows=2, check=2, mixing=1, blocks=0, patience=0, rate=0.3)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_STEPS", 3)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number, word in enumerate(["red apple", "green tree", "blue car", "grey cat"]):
        Image.new("RGB", (64, 64), (60 * number, 250 - 50 * number, 90)).save(folder / f"{word}.png")
    return folder


def request(pictures: Path, **changes: object) -> TeachRequest:
    asked = TeachRequest("mine", [pictures], Wording("zyx"), QUICK, columns=4, sample_every=2)
    return replace(asked, samples=("a cat",), **changes)


def fresh(kept: Path, tiny_model: Path, folder: Path) -> Studio:
    shutil.copytree(kept, folder)
    return Studio(str(tiny_model), folder, CPU)


def numbers(studio: Studio) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    subspace = studio._current.needed()
    return style_parts(studio.styles["mine"], subspace)


def differing(one: Studio, other: Studio) -> list[str]:
    """The parts of the two studios' styles that are not the same, bit for bit."""
    (mine, told), (theirs, also) = numbers(one), numbers(other)
    assert mine.keys() == theirs.keys()
    words = {name: (json.loads(told[name]), json.loads(also[name])) for name in ("notes", "fidelity")}
    found = [name for name in mine if not torch.equal(mine[name], theirs[name])]
    found += [name for name in told if told[name] != also[name] and name not in words]
    return found + [f"{n}: {k}" for n, (a, b) in words.items() for k in a | b if a.get(k) != b.get(k)]


def test_watched_or_not_it_learns_the_same(
    kept: Path, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    watched, alone = (fresh(kept, tiny_model, tmp_path / name) for name in ("watched", "alone"))
    state = torch.get_rng_state()
    events = list(watched.growth.teach(request(pictures)))
    assert torch.equal(torch.get_rng_state(), state)
    drain(alone.growth.teach(request(pictures, sample_every=0)))
    mine, theirs = (numbers(studio)[0] for studio in (watched, alone))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    drawn = [event for event in events if isinstance(event, Sampled)]
    steps = [event.step for event in drawn]
    assert steps[: steps.index(6) + 1] == sorted({*steps[: steps.index(6) + 1]})
    assert {2, 4, 6} <= set(steps)
    assert all(image.size == (64, 64) for event in drawn for image in event.images)
    assert all(event.prompts == ("a cat",) and len(event.images) == 1 for event in drawn)
    assert len({event.images[0].tobytes() for event in drawn}) > 1
    assert cover_of(watched.styles["mine"]) is not None
    assert cover_of(alone.styles["mine"]) is None


def test_prompts_are_captions_where_none_are_given(studio: Studio, pictures: Path) -> None:
    asked = replace(request(pictures), samples=(), sample_every=100, settings=replace(QUICK, steps=2))
    drawn = [event for event in studio.growth.teach(asked) if isinstance(event, Sampled)]
    assert len(drawn[-1].prompts) == 3
    told = provenance_of(studio.styles["mine"])
    assert told is not None
    held = [one.caption for one in told.pictures if one.held_out]
    assert drawn[-1].prompts[2] in held
    assert not {*drawn[-1].prompts[:2]} & {*held}


class Killed(BaseException):
    """What a process sees last."""


def kill_at(monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """The nth write of a state breaks off halfway."""
    write, count = reached_file.save_tensors, [0]

    def save(tensors: object, path: Path, metadata: object) -> None:
        write(tensors, path, metadata)
        count[0] += 1
        if count[0] == nth:
            path.write_bytes(path.read_bytes()[:100])
            raise Killed

    monkeypatch.setattr(reached_file, "save_tensors", save)


def test_closed_after_any_event_it_goes_on_to_the_same_style(
    kept: Path, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    whole, broken = (fresh(kept, tiny_model, tmp_path / name) for name in ("whole", "broken"))
    events = list(whole.growth.teach(request(pictures)))
    before = set(broken.styles)
    kinds = [type(event).__name__ + str(getattr(event, "step", "")) for event in events]
    for stop in ("Prepared", "TeachingStep0", "TeachingStep2", "Sampled4", "TeachingStep5"):
        going = broken.growth.teach(request(pictures))
        for event in going:
            if type(event).__name__ + str(getattr(event, "step", "")) == stop:
                break
        else:
            pytest.fail(f"{stop} is none of {kinds}")
        going.close()
        assert set(broken.styles) == before
    again: TaughtStyle = drain(broken.growth.teach(request(pictures)))
    assert not differing(whole, broken)
    assert [step for step, _ in again.taught.losses] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in again.taught.held][-3:] == [2, 4, 6]


def test_killed_while_it_writes_it_loses_the_steps_since_the_last_measurement(
    kept: Path, tiny_model: Path, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = (fresh(kept, tiny_model, tmp_path / name) for name in ("whole", "broken"))
    drain(whole.growth.teach(request(pictures)))
    before = set(broken.styles)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 2)
        drain(broken.growth.teach(request(pictures)))
    other = Studio(str(tiny_model), tmp_path / "broken", CPU)
    assert set(other.styles) == before
    steps = [e.step for e in other.growth.teach(request(pictures)) if isinstance(e, TeachingStep) and e.step]
    assert steps == [3, 4, 5, 6]
    assert not differing(whole, other)


def test_what_was_preserved_is_drawn_once(
    studio: Studio, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    save = learning_log.save_preserved
    monkeypatch.setattr(learning_log, "save_preserved", lambda *a: (drawn.append(len(a[0])), save(*a)))
    asked = request(pictures, settings=replace(QUICK, preserve=0.5), sample_every=0)
    going = studio.growth.teach(asked)
    for event in going:
        if isinstance(event, TeachingStep) and event.reached is not None:
            break
    going.close()
    rest = [event for event in studio.growth.teach(asked) if isinstance(event, TeachingStep)]
    assert drawn == [12]
    assert not [event for event in rest if "preserve" in event.what]
    told = provenance_of(studio.styles["mine"])
    assert told is not None
    assert told.settings["preserve"] == 0.5


def _told(style: Style) -> tuple[object, bytes | None, str]:
    return provenance_of(style), cover_of(style), style.notes["teaching"]


def test_where_it_comes_from_goes_where_it_goes(
    studio: Studio, kept: Path, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    made: TaughtStyle = drain(studio.growth.teach(request(pictures)))
    told = provenance_of(made.style)
    assert told is not None
    assert (told.program, told.picture_count, told.numbers) == (__version__, 4, made.taught.numbers)
    assert told.subspace == made.style.subspace
    assert [one.held_out for one in told.pictures].count(True) == 1
    assert all("zyx" in one.caption for one in told.pictures)
    assert told.settings["steps"] == 6
    assert told.settings["columns"] == 4
    assert told.errors == (made.taught.base, made.taught.before, made.taught.after)
    assert [step for step, _ in told.curves.train] == [1, 2, 3, 4, 5, 6]
    expected = _told(made.style)
    path = studio.library.style_cover(made.style)
    assert path is not None
    assert Studio(str(tiny_model), studio.library.root, CPU).styles["mine"].notes == made.style.notes
    subspace = studio._current.needed()
    save_card(
        pack_card(made.style, subspace, CardKind.WHOLE), Image.new("RGB", (8, 8)), tmp_path / "mine.png"
    )
    assert _told(read_card(tmp_path / "mine.png").unpacked()[1]) == expected
    guest = fresh(kept, tiny_model, tmp_path / "guest")
    guest.cards.take(tmp_path / "mine.png")
    assert _told(guest.styles["mine"]) == expected
    drain(studio.growth.augment(6))
    assert _told(studio.styles["mine"]) == expected
    drain(studio.subspaces.compress())
    assert _told(studio.styles["mine"]) == expected


def test_private_ranks_and_text_encoders_are_kept(studio: Studio, pictures: Path) -> None:
    drain(studio.subspaces.compress())  # with a LoRA that changes the text encoders
    settings = replace(QUICK, texts=True, ranks=1, steps=4, blocks=1, accumulate=2)
    lent = drain(learning_subspace(studio.growth._bench.open_now(), 4, settings.seed, texts=True))
    events = list(studio.growth.teach(request(pictures, settings=settings)))
    drawn = [event for event in events if isinstance(event, Sampled)]
    assert drawn[-1].done <= drawn[-1].total
    style, told = studio.styles["mine"], provenance_of(studio.styles["mine"])
    assert told is not None
    bases = [lent.bases[path] for path in style.cores]
    cores = sum(basis.core_shape[0] * basis.core_shape[1] for basis in bases)
    private = sum(basis.out.shape[0] + basis.into.shape[0] for basis in bases)
    assert told.numbers == cores + private  # one rank in each module
    assert {path.component for path in style.cores} == {*Component}
