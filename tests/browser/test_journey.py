"""The main job as a person does it: drop, compress, move a slider, generate, compare; and what they do wrong."""

import json
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors import safe_open
from safetensors.torch import save_file

from eigenlorax.home import DEMO_LORAS
from tests.browser.serving import await_styles, go
from tests.browser.steps import ask, differ, drop, first_style, generate, slider

pytestmark = pytest.mark.browser
FIXTURES = Path(__file__).parent.parent / "fixtures"


def results(page: Page, count: int) -> list[str]:
    """The lines that an import leaves, once there are `count` of them."""
    lines = page.locator("#results li")
    expect(lines).to_have_count(count)
    return lines.all_inner_texts()


def with_styles(page: Page) -> Page:
    """Compress what is there, unless it is already."""
    if page.get_by_role("button", name="Compress them now").is_visible():
        page.get_by_role("button", name="Compress them now").click()
        expect(page.locator("#job")).to_contain_text("compressed in", timeout=90_000)
        go(page, "Generate")
    page.get_by_role("listitem").first.wait_for()
    return page


@pytest.fixture
def compressed(kept_page: Page) -> Page:
    """The page with styles in its rack: the first at 1, and all off."""
    go(kept_page, "Generate")
    page = with_styles(kept_page)
    page.get_by_label("Filter styles").fill("")
    slider(page, first_style(page)).press("r")
    page.get_by_role("button", name="All off").click()
    expect(page.locator(".rack-summary")).to_contain_text("0 of ")
    expect(slider(page, first_style(page))).to_have_value("1")
    return page


def test_a_newcomer_presses_the_first_button_stops_it_presses_again_and_draws(kept_page: Page) -> None:
    page = kept_page
    nothing_yet = page.get_by_role("heading", name="No styles yet")
    first_button = page.get_by_role("button", name="Compress them now")
    job, cancel = page.locator("#job"), page.locator("#cancel-compress")
    loras = len(list(DEMO_LORAS.glob("*.safetensors")))
    expect(nothing_yet).to_be_visible()
    first_button.click()
    expect(job.locator("progress")).to_be_visible(timeout=60_000)
    expect(cancel).to_be_enabled()
    cancel.click()
    expect(cancel).to_be_disabled(timeout=60_000)
    go(page, "Generate")
    expect(nothing_yet).to_be_visible()
    page.get_by_role("button", name="Go to Library").click()
    expect(job).to_be_visible()
    expect(job).not_to_contain_text("compressed in")

    go(page, "Generate")
    first_button.click()
    expect(job).to_contain_text(f"{loras} LoRAs compressed in", timeout=90_000)
    expect(page.locator("#fidelity tbody tr")).to_have_count(loras)
    expect(page.locator("#header")).to_contain_text("smaller")
    go(page, "Generate")
    expect(nothing_yet).to_be_hidden()
    expect(page.locator("#rack .style")).to_have_count(loras)
    slider(page, first_style(page)).press("ArrowRight")
    page.get_by_label("Prompt", exact=True).fill("a red apple")
    picture = generate(page)
    assert picture.getcolors(100) is None  # more than a hundred colours: no blank square
    expect(page.locator(".bad:visible")).to_have_count(0)


def test_drop_compress_and_see_the_styles(kept_page: Page, tmp_path: Path) -> None:
    page = kept_page
    original = FIXTURES / "shared_seed_loras" / "shared-neon.safetensors"
    mine, note = tmp_path / "my own style (v2).safetensors", tmp_path / "my own style (v2).json"
    mine.write_bytes(original.read_bytes())
    note.write_text(json.dumps({"activation text": "my very own look"}))
    go(page, "Library")
    drop(page, note, mine)
    (line,) = results(page, 1)
    assert line.startswith("my own style (v2).safetensors")
    assert "added · rank" in line
    page.get_by_label("Search LoRAs", exact=True).fill("my very own look")
    expect(page.locator("#library .lib-card")).to_contain_text("my own style (v2)", timeout=20_000)
    page.get_by_label("range slider for Quality").press("ArrowRight")
    page.get_by_role("button", name="Compress", exact=True).click()
    row = page.locator("#fidelity tr", has_text="my own style (v2)")
    expect(row).to_contain_text("%", timeout=90_000)  # the line about the job may still be the last one's
    expect(page.locator("#header")).to_contain_text("smaller")
    assert page.locator("#fidelity tbody tr").count() == len(list(DEMO_LORAS.glob("*.safetensors"))) + 1
    go(page, "Generate")
    expect(slider(page, "my own style (v2)")).to_be_visible()


def test_a_slider_changes_the_picture_and_zero_is_the_base(compressed: Page) -> None:
    page, style = compressed, first_style(compressed)
    page.get_by_label("Add trigger words to the prompt").uncheck()
    ask(page, "a red apple")
    base = generate(page)
    slider(page, style).press("ArrowRight")
    expect(page.get_by_label(f"{style} strength as a number")).to_have_value("1.05")
    expect(page.get_by_role("switch", name=f"{style} on", exact=True)).to_be_checked()
    by_keyboard = generate(page)
    assert differ(base, by_keyboard)
    box = slider(page, style).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    assert float(slider(page, style).input_value()) < -0.9
    assert differ(by_keyboard, generate(page))
    page.get_by_label(f"{style} strength as a number").fill("0")
    page.get_by_label(f"{style} strength as a number").press("Enter")
    assert not differ(base, generate(page))
    page.get_by_label("Add trigger words to the prompt").check()


def test_trigger_words_solo_and_all_off(compressed: Page) -> None:
    page = compressed
    one, two = page.locator("#rack .style-name strong").all_inner_texts()[:2]
    ask(page, "a red apple", steps=2)
    page.get_by_role("switch", name=f"{one} on", exact=True).click()
    page.get_by_role("switch", name=f"{two} on", exact=True).click()
    expect(page.locator(".rack-summary")).to_contain_text("2 of ")
    generate(page)
    words = page.locator("#rack .style-name small").all_inner_texts()
    expect(page.locator("#status")).to_contain_text(f"Prompt: a red apple, {words[0]}")
    page.get_by_role("button", name=f"{two} solo", exact=True).click()
    generate(page)
    expect(page.locator("#status")).to_contain_text(f"Prompt: a red apple, {words[1]}")
    page.get_by_role("button", name="All off").click()
    expect(page.locator(".rack-summary")).to_contain_text("0 of ")
    page.get_by_label("Filter styles").fill(two)
    expect(page.get_by_label(f"{one} strength", exact=True)).to_be_hidden()
    expect(page.get_by_label(f"{two} strength", exact=True)).to_be_visible()


def test_compare_with_the_original_and_with_no_style(compressed: Page) -> None:
    page, style = compressed, first_style(compressed)
    ask(page, "a red apple", steps=3)
    page.get_by_role("button", name="Compare with the original LoRA").click()
    expect(page.locator("#status")).to_contain_text("Switch on a style first")
    slider(page, style).press("ArrowLeft")
    page.get_by_role("button", name="Compare with the original LoRA").click()
    expect(page.locator("#captions")).to_contain_text(f"Original LoRA {style} at 0.95")
    expect(page.locator("#captions")).to_contain_text(f"Subspace style {style} at 0.95")
    expect(page.locator("#comparison img")).to_have_count(2)
    page.get_by_role("button", name="Compare with no style").click()
    expect(page.locator("#captions")).to_contain_text("Base model, no style")


def test_bad_files_are_explained_and_all_goes_on(compressed: Page, tmp_path: Path) -> None:
    page = compressed
    good = sorted(DEMO_LORAS.glob("*.safetensors"))[0].read_bytes()
    bad = {"text": b"I am a text", "truncated": good[: len(good) // 2], "empty": b""}
    files = [tmp_path / f"{name}.safetensors" for name in bad]
    for file, content in zip(files, bad.values(), strict=True):
        file.write_bytes(content)
    old = tmp_path / "old-style.safetensors"
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    save_file(
        {f"{stem}.lora_down.weight": torch.zeros(4, 768), f"{stem}.lora_up.weight": torch.zeros(320, 4)}, old
    )
    go(page, "Library")
    drop(page, *files, old)
    lines = results(page, 4)
    for line, name in zip(lines, ["text", "truncated", "empty"], strict=False):
        assert line.startswith(f"{name}.safetensors")
        assert "left out: " in line
    assert "SD1" in lines[3]
    page.get_by_label("Folder or file path").fill(str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#results")).to_contain_text("There is no file or folder at")
    go(page, "Generate")
    ask(page, "  ")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#status")).to_contain_text("The prompt is empty: write what the picture should show")
    ask(page, "a red apple", steps=2)
    generate(page)


def test_live_mode_draws_when_a_style_changes(compressed: Page) -> None:
    page, style = compressed, first_style(compressed)
    ask(page, "a red apple", seed=-1, steps=2)
    generate(page)
    line = page.locator("#status").inner_text()
    seed = line[line.index("seed ") :].split()[1]
    page.get_by_label("Live", exact=True).check()
    slider(page, style).press("ArrowLeft")
    expect(page.locator("#status")).to_contain_text(f"seed {seed}")
    expect(page.locator("#status")).to_contain_text(
        page.locator("#rack .style-name small").first.inner_text()
    )
    page.get_by_label("Live", exact=True).uncheck()


def test_a_reload_keeps_what_was_typed(page: Page) -> None:
    style = first_style(with_styles(page))
    ask(page, "a blue fish", seed=11)
    slider(page, style).press("ArrowLeft")
    page.reload()
    await_styles(page)
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a blue fish")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("11")
    expect(slider(page, style)).to_have_value("0.95")
    expect(page.get_by_role("switch", name=f"{style} on", exact=True)).to_be_checked()


def test_cancel_frees_the_model(compressed: Page) -> None:
    page = compressed
    ask(page, "a red apple", steps=60)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator("#status")).to_contain_text("Step ")
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    ask(page, "a red apple", steps=2)
    generate(page)


def test_a_blend_goes_out_as_a_lora(compressed: Page, tmp_path: Path) -> None:
    page, style = compressed, first_style(compressed)
    page.get_by_role("switch", name=f"{style} on", exact=True).click()
    go(page, "Export")
    page.get_by_label("Name", exact=True).fill("taken out")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#export-status")).to_contain_text("Relative weight error")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator("#export-status")).to_contain_text("read back and compared", timeout=60_000)
    with page.expect_download() as download:
        page.locator("#exported a").first.click()
    download.value.save_as(tmp_path / "taken out.safetensors")
    with safe_open(tmp_path / "taken out.safetensors", framework="pt") as file:
        assert file.metadata()["modelspec.title"] == "taken out"
        assert any(key.startswith("lora_unet_") for key in file.keys())  # noqa: SIM118
    go(page, "Generate")
    page.get_by_role("button", name="All off").click()
    go(page, "Export")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#export-status .bad")).to_be_visible()


def test_the_collections_report_is_made_and_opens(kept_page: Page, tmp_path: Path) -> None:
    page = kept_page
    go(page, "Library")
    page.get_by_role("button", name="More for this subspace").click()
    page.get_by_role("button", name="What do these LoRAs share?").click()
    expect(page.locator("#report-file a").first).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        page.locator("#report-file a").first.click()
    download.value.save_as(tmp_path / "report.html")
    assert "noto-mono-300" in (tmp_path / "report.html").read_text()
