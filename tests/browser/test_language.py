"""The page in Japanese: it says so, its own words are Japanese on every tab, and nothing is cut off."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch
from tests.browser.serving import Server, await_styles, go, running_page

pytestmark = pytest.mark.browser
TABS = ("生成", "ギャラリー", "シート", "ライブラリ", "学習", "書き出し")
NAMES = re.compile(
    r"EigenLoRAx Studio|Emoji demo|clay|comic|(clay )?UNet|Latent|Lanczos|LoRA|ControlNet|Euler.*|DPM.*|CC-BY-4\.0|/home/me/.*|"
    r"mywatercolour style|a red apple|a sailboat|"
    r"Click to upload or drop files|Reset to default value|Empty value|processing \|"
)
"""What has the same name in every language, examples, and words that Gradio says in English alone."""
FROM_BELOW = "#model, #sheet-told, #header .chip, #rack .style strong, #rack .style small, .lib-card, footer"
"""What tells of the machine and of files in English, and names of styles."""
WORDS = """below => {
  const seen = node => node.checkVisibility({ visibilityProperty: true });
  const found = new Set();
  for (const node of document.querySelectorAll(".gradio-container *")) {
    if (node.closest(below) || !seen(node) || /^(STYLE|SCRIPT|OPTION)$/.test(node.tagName)) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) found.add(node.getAttribute(name) ?? "");
    for (const child of node.childNodes) if (child.nodeType === 3) found.add(child.data.trim());
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def japanese(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, compressed: Path
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(compressed, folder / "data")
    with running_page(folder, "ja") as server:
        yield server


@pytest.fixture
def page(browser: Browser, japanese: Server) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale="ja-JP"
    )
    watch = Watch(japanese.url)
    context.on("page", watch.over)
    page = context.new_page()
    page.goto(japanese.url)
    await_styles(page)
    yield page
    context.close()
    assert watch.troubles == []


def left_english(page: Page) -> list[str]:
    """What is shown or read out and holds a word of three Latin letters, but neither Japanese nor a name."""
    words = page.evaluate(WORDS, FROM_BELOW)
    english = re.compile(r"[A-Za-z]{3,}")
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    return [
        word
        for word in words
        if english.search(word) and not japanese.search(word) and not NAMES.fullmatch(word)
    ]


def test_every_tab_speaks_japanese(page: Page) -> None:
    assert page.evaluate("document.documentElement.lang") == "ja"
    left = {}
    for tab in TABS:
        go(page, tab)
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        if tab == "生成":
            await_styles(page)
            page.get_by_role("button", name="clay の詳細").click()
        left[tab] = left_english(page)
        for width in (400, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, (tab, width)
    assert left == {tab: [] for tab in TABS}
