"""The parts on styles and pictures say what was measured and ask nobody for anything."""

import base64
import io
import re
from dataclasses import replace

import pytest
import torch
from PIL import Image

from eigenlorax.events import drain
from eigenlorax.formats.relations import Relations
from eigenlorax.likeness import StyleLikeness
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import Component as Part
from eigenlorax.module_path import ModulePath
from eigenlorax.report.census_page import as_json, page
from eigenlorax.report.census_words import notices
from eigenlorax.report.picture_parts import ComponentPictures, Trio, component_pictures, style_pictures
from eigenlorax.report.style_part import styles_json, styles_part
from eigenlorax.subspace.census import Census, take_census
from eigenlorax.subspace.components import leading
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.style import Style

HOSTILE = "<img src=x>&'"
A = ModulePath(Part.UNET, "a")
NEAR = StyleLikeness(0.05, 0.25, 0.9, 0.5, ("a cat",), (3,), 5)
FAR = replace(NEAR, rms=0.2, ssim=0.6)


@pytest.fixture(scope="module")
def census() -> Census:
    """Five relatives of one frame and one stranger."""
    common = torch.Generator().manual_seed(7)
    up, down = torch.randn(90, 3, generator=common), torch.randn(3, 90, generator=common)
    loras = []
    for seed in range(5):
        middle = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed))
        loras.append(LoRA(f"kin{seed}", {A: LoRALayer(up @ middle, down)}))
    own = torch.Generator().manual_seed(50)
    layer = LoRALayer(torch.randn(90, 3, generator=own), torch.randn(3, 90, generator=own))
    return drain(take_census([*loras, LoRA(HOSTILE, {A: layer})]))


def _styles() -> list[Style]:
    good = Fidelity(
        0.96, "unet.a", 0.9, 0, 10, 4_321, own_error=0.1, shared_kept=0.9, random_kept=0.02, alone_error=0.35,
        alone_bytes=500, effect_error=0.2, alone_effect_error=0.3,
    )  # fmt: skip
    poor = replace(good, energy_kept=0.51, alone_error=0.4, effect_error=0.6, alone_effect_error=0.1)
    return [Style("kin0", KeptCores(), "s", good), Style(HOSTILE, KeptCores(), "s", poor)]


def test_the_stranger_is_named_everywhere(census: Census) -> None:
    relations = Relations()
    assert any(line.startswith(f"{HOSTILE} is an outlier: ") for line in notices(census, relations))
    text = page(census, relations)
    assert text.count("an outlier: better kept whole") == 1
    told = {member["name"]: member["outlier"] for member in as_json(census, relations)["members"]}
    assert told[HOSTILE].startswith("outlier: ") and told["kin0"] == ""


def test_styles_stand_beside_what_their_bytes_could_buy(census: Census) -> None:
    outside = {HOSTILE: "outlier", "gone": "excluded by the word 'x'"}
    text = styles_part(_styles(), census, outside, {"kin0": NEAR})
    assert HOSTILE not in text and "&lt;img src=x&gt;" in text
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr><td.*?</tr>", text)]
    assert rows[0].startswith("||&lt;img") and "own SVD at equal bytes is nearer" in rows[0]
    assert "; outlier" in rows[0]
    for figure in ("close", "0.200", "0.100", "0.350", "90% (2.0%)", "20%", "|4|"):
        assert figure in rows[1]
    member = census.members[0]
    assert f"{member.coverage:.0%} ({member.expected:.0%})" in rows[1]
    assert "1 of 2 would be nearer on their own" in text
    assert "<li>gone: excluded by the word &#x27;x&#x27;</li>" in text
    assert styles_part([], census, outside, {}) == ""
    assert "None would be nearer" in styles_part(_styles()[:1], census, {}, {})
    old = [Style("kin0", KeptCores(), "s", Fidelity(0.9, "", 0.9, 0, 1))]
    assert "nearer on its own" not in styles_part(old, census, {}, {})
    content = styles_json(_styles(), {"kin0": NEAR})
    assert content["kin0"]["pictures"]["relative"] == pytest.approx(0.2)
    assert content[HOSTILE]["remark"] and content[HOSTILE]["pictures"] is None


def test_pictures_are_inside_the_page(census: Census) -> None:
    red, green, blue = (Image.new("RGB", (64, 64), name) for name in ("red", "lime", "blue"))
    trios = {"kin0": Trio(red, green, blue), HOSTILE: Trio(red, green, green)}
    text = style_pictures({"kin0": NEAR, HOSTILE: FAR}, trios)
    assert text.index("&lt;img") < text.index("kin0")  # farthest first
    assert "80% of the way" in text and "20% of the way" in text and "a cat; seed 3; 5 steps" in text
    found = re.findall(r'<img src="data:image/webp;base64,([^"]+)"', text)
    assert len(found) == text.count("<img ") == 6
    with Image.open(io.BytesIO(base64.b64decode(found[4]))) as picture:
        assert picture.convert("RGB").getpixel((9, 9))[1] > 240
    assert style_pictures({}, {}) == component_pictures([]) == ""
    drawn = [ComponentPictures(one, red, green, blue) for one in leading(census, 2)]
    text = component_pictures(drawn)
    assert text.count("<img ") == 6 and "strangers: 16.7%" in text and "Component 2" in text
    whole = page(census, Relations(), [style_pictures({"kin0": NEAR}, {"kin0": trios["kin0"]}), text])
    assert set(re.findall(r'src="(.{10})', whole)) == {"data:image"} and "http" not in whole


def test_a_component_that_one_lora_carries_says_so(census: Census) -> None:
    loads = {HOSTILE: 0.9, "kin0": -0.4, "kin1": 0.17, "kin2": 0.0, "kin3": 0.0}
    one = replace(leading(census, 1)[0], loads=loads)
    picture = Image.new("RGB", (32, 32))
    text = component_pictures([ComponentPictures(one, picture, picture, picture)])
    assert "&lt;img src=x&gt;&amp;&#x27; dominates it</b> (81%)" in text and "kin0 -0.40" in text
    assert "and 1 more" in text


def test_a_lora_that_shows_nothing_has_no_relative_distance() -> None:
    nothing = replace(NEAR, base_rms=0.0, base_ssim=1.0)
    assert nothing.relative is None and nothing.told["relative_structure"] is None
    assert "no effect" in style_pictures({"x": nothing}, {"x": Trio(*(Image.new("RGB", (32, 32)),) * 3)})
    assert NEAR.relative_structure == pytest.approx(0.2)
