"""Whatever is written into a picture is read back as the same request."""

import json
import re
from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlorax.dials import AS_IT_IS, Dials
from eigenlorax.infotext import infotext
from eigenlorax.recall.a1111 import OWN_PROGRAM, pairs_of
from eigenlorax.recall.read import recall_text
from eigenlorax.recall.restore import Here, restore
from eigenlorax.recall.shelf import Shelved
from eigenlorax.recipe import MAX_SEED, SAMPLERS, GenerationRequest, Hires, Upscaler

RE_PARAM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')  # A1111's infotext_utils.py
NAMES = ["neon", "Pixel Art, 16: bit", "日本", "a.b-c_(d)", "x<y>", "1.5", "a:b", 'say "hi"']
EXTRAS = {"Model": "Emoji demo", "Version": f"{OWN_PROGRAM} 0.1.0", "Eigen basis": "0123456789ab"}
HERE = Here("Emoji demo", 128, "0123456789abcdef", [Shelved(name, True) for name in NAMES])

letters = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], include_characters="\n<>:,\"'\\()[]{}")
prompts = st.text(letters, max_size=60).map(str.strip).filter(lambda text: "Negative prompt:" not in text)
numbers = st.floats(-10, 10, allow_subnormal=False)
shares = st.floats(0, 1, allow_subnormal=False)
curves = st.dictionaries(shares, numbers, max_size=3).map(lambda points: tuple(sorted(points.items())))
dials = st.fixed_dictionaries(
    {}, optional={f.name: curves if f.name == "curve" else numbers for f in fields(Dials)}
)
blends = st.dictionaries(st.sampled_from(NAMES), numbers | st.sampled_from([0.0, 0.5, 1.0]), max_size=4)
seeds, sides = st.integers(0, MAX_SEED), st.integers(8, 128).map(lambda eighth: 8 * eighth)
hires = st.tuples(st.floats(1, 4), st.integers(0, 150), shares, st.sampled_from(list(Upscaler)))
samplers = [("", "Automatic"), *((name, one) for name, known in SAMPLERS.items() for one in known)]
tagged = st.sampled_from(["cat", "cat <lora:neon:1>", "cat,", "<lora:x:1>", ", cat"])
# Plain values: the type checker of the tests draws at random, which a strategy may not.
values = st.fixed_dictionaries(
    {
        "prompt": tagged | prompts.filter(bool), "negative_prompt": prompts, "seed": seeds,
        "steps": st.integers(1, 150), "guidance": st.floats(1, 30), "width": sides, "height": sides,
        "clip_skip": st.integers(1, 12), "variation_seed": seeds, "variation_strength": st.just(0.0) | shares,
        "guidance_rescale": st.just(0.0) | shares, "batch": st.integers(1, 3),
    }
)  # fmt: skip
worn = st.tuples(
    blends, st.dictionaries(st.sampled_from(NAMES), dials, max_size=3), st.lists(blends, max_size=3)
)


def without_what_does_nothing(request: GenerationRequest) -> GenerationRequest:
    styles = {name: strength for name, strength in request.styles.items() if strength}
    worn = {name: one for name, one in request.dials.items() if name in styles and one != AS_IT_IS}
    return replace(
        request, styles=styles, dials=worn,
        variation_seed=request.variation_seed if request.variation_strength else 0,
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(values, worn, st.sampled_from(samplers), st.none() | hires, st.integers(0, 2))
def test_every_picture_of_a_request_is_read_back_as_what_drew_it(
    told: dict[str, Any], worn: Any, sampler: tuple[str, str], larger: Any, index: int
) -> None:
    styles, dialled, every = worn
    request = GenerationRequest(
        **{**told, "batch": len(every) or told["batch"]}, styles={} if every else styles, blends=tuple(every),
        sampler=sampler[0], schedule=sampler[1], hires=Hires(*larger) if larger else None,
        dials={name: Dials(**one) for name, one in dialled.items()},
    )  # fmt: skip
    request.check()
    own = request.of_picture(index % request.batch)
    text = infotext(own, "Euler", EXTRAS, dict.fromkeys(NAMES, "0123456789ab"))
    found = restore(recall_text(text), HERE)
    assert found.request == without_what_does_nothing(own)
    assert (found.words, found.missing, found.recalled.unread) == ((), (), {})
    assert found.recalled.source == OWN_PROGRAM
    assert all(lora.hash == "0123456789ab" for lora in found.recalled.loras)
    line = text.split("\n")[-1]
    theirs = {key: json.loads(value) if value[0] == '"' else value for key, value in RE_PARAM.findall(line)}
    assert theirs == dict(pairs_of(line))


def test_the_tags_act_alike_in_a1111() -> None:
    request = GenerationRequest(
        "cat",
        styles={"neon": 0.8, "日本": 0.5},
        dials={"neon": Dials(text_encoder=0.5, text_encoder_2=0.5, unet=2.0)},
    )
    text = infotext(request, "Euler", {}, {"neon": "0123456789ab"})
    assert text.startswith("cat <lora:neon:0.4:1.6> <lora:日本:0.5>\n")
    assert ', Lora hashes: "neon: 0123456789ab", ' in text


def test_the_models_own_sampler_is_another_one_on_another_model() -> None:
    told = recall_text(infotext(GenerationRequest("cat"), "Euler", EXTRAS))
    assert restore(told, HERE).request.sampler == ""
    elsewhere = restore(told, replace(HERE, model="other"))
    assert elsewhere.request.sampler == "Euler"
    assert elsewhere.words == ("it was made with the model Emoji demo, here is other",)


def test_a_hand_edited_tag_counts_more_than_our_own_key() -> None:
    request = GenerationRequest("a cat,", styles={"neon": 0.5}, dials={"neon": Dials(style=1.5)})
    text = infotext(request, "Euler", EXTRAS)
    assert "Eigen styles: " in text
    changed = restore(recall_text(text.replace("<lora:neon:0.5>", "<lora:neon:0.25>")), HERE).request
    assert (changed.styles, changed.dials) == ({"neon": 0.25}, request.dials)
