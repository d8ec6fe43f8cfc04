"""Who uses a keyboard, a screen reader, large letters or a narrow window gets the whole page."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from tests.browser.serving import Server, await_styles, go

pytestmark = pytest.mark.browser
STYLED = True
TABS = ("Generate", "Gallery", "Sheets", "Library", "Train", "Export")
#: Off in axe unless asked for: targets of 24 px (WCAG 2.2 AA).
OPTIONS: dict[str, Any] = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
#: The dark theme differs from the light one in its colours.
COLOURS: dict[str, Any] = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
#: What Gradio's own components break, as (rule, selector) with the reason why it stays. An entry that is no
#: longer needed fails the test, so that the list can only shrink.
GRADIOS = {
    ("aria-prohibited-attr", ".unpadded_box"): "the drawing of an empty picture is a div with a name",
}

#: All that the keyboard should reach: what can be seen and operated. Of a group of radio buttons, one.
REACHABLE = """() => {
  const groups = new Set();
  for (const node of document.querySelectorAll('[data-reach]')) delete node.dataset.reach;
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter((node) => {
    const box = node.getBoundingClientRect();
    if (node.tabIndex < 0 || node.disabled || !node.checkVisibility() || box.width < 1 || box.height < 1) return false;
    if (node.type === 'radio') { if (groups.has(node.name)) return false; groups.add(node.name); }
    return true;
  }).map((node, place) => { node.dataset.reach = node.type === 'radio' ? 'group ' + node.name : String(place); return node.dataset.reach; });
}"""
#: Where the focus is, whether it can be seen, and how it is called.
FOCUSED = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const shown = (one) => { const style = getComputedStyle(one); return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none'; };
  const rings = [node, node.parentElement, ...(node.labels ?? []), node.closest('label, .wrap, .container, .gallery-stage, .wrap-inner')].filter(Boolean);
  const reach = node.type === 'radio' ? 'group ' + node.name : node.dataset.reach;
  return { reach, ring: rings.some(shown), what: node.outerHTML.slice(0, 160) };
}"""


@pytest.fixture(scope="module")
def furnished(kept_page: Page, server: Server) -> Page:
    """The page with two styles and a picture to show."""
    folder = server.log.parent / "data" / "outputs" / "txt2img-images"
    folder.mkdir(parents=True, exist_ok=True)
    _picture(folder / "00000-7.png")
    return kept_page


def _picture(path: Path) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("parameters", "a red apple\nSteps: 6, Sampler: Euler, CFG scale: 5, Seed: 7, Size: 128x128")
    Image.new("RGB", (128, 128), "#c03030").save(path, pnginfo=told)


def _open_everything(page: Page) -> None:
    """Whatever unfolds in Generate: a row's dials, dice, map, meter, the rooms that start closed."""
    rack = page.locator("#rack")
    rack.get_by_role("button", name="clay details").click()
    rack.get_by_role("button", name="Directions").click()
    rack.get_by_role("button", name="Map", exact=True).click()
    for name in ("clay", "comic"):
        rack.get_by_role("switch", name=f"{name} on").click()
    rack.locator(".meter summary").click()
    for room in page.locator("#generate-room button.label-wrap:visible").all():
        room.click()
    expect(rack.locator(".map-style").first).to_be_visible()


def _broken(page: Page, where: str, met: set[tuple[str, str]]) -> list[str]:
    """What axe finds on the page as it is now, without what is Gradio's and listed."""
    options = COLOURS if where.startswith("dark") else OPTIONS
    found: dict[str, Any] = Axe().run(page, options=options).response
    told = []
    for violation in found["violations"]:
        for node in violation["nodes"]:
            selector = " ".join(str(part) for part in node["target"])
            known = [entry for entry in GRADIOS if entry[0] == violation["id"] and entry[1] in selector]
            met.update(known)
            if not known:
                told.append(
                    f"{where}: {violation['impact']} {violation['id']} {selector} {node['html'][:120]}"
                )
    return told


def test_the_keyboard_reaches_everything_and_shows_where_it_is(furnished: Page) -> None:
    page, told = furnished, list[str]()
    for tab in TABS:
        go(page, tab)
        page.wait_for_timeout(300)
        left = set(page.evaluate(REACHABLE))
        page.evaluate(
            "() => { document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); }"
        )
        page.locator("#header").evaluate("node => { node.tabIndex = -1; node.focus(); }")
        found = None
        for _ in range(len(left) + 40):
            # Gradio's list of choices gives the focus to nothing for one key, then to what follows it.
            before = found
            page.keyboard.press("Tab")
            found = page.evaluate(FOCUSED)
            if found is None and before is not None and "combobox" in before["what"]:
                continue
            if found is None:
                break
            left.discard(found["reach"])
            if not found["ring"]:
                told.append(f"{tab}: no ring at {found['what']}")
        else:
            told.append(f"{tab}: the focus never leaves the page, last at {found['what']}")
        for one in sorted(left):
            missed = page.locator(f'[data-reach="{one}"]').first
            told.append(f"{tab}: not reached: {missed.evaluate('node => node.outerHTML')[:160]}")
    assert not told, "\n".join(told)


def test_no_tab_scrolls_sideways(furnished: Page) -> None:
    wide = []
    for tab, width in product(TABS, (390, 720, 1024)):
        furnished.set_viewport_size({"width": width, "height": 900})
        go(furnished, tab)
        furnished.wait_for_timeout(200)
        found = furnished.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('*')]
              .filter((node) => node.getBoundingClientRect().right > innerWidth + 1).map((node) => node.outerHTML.slice(0, 120)).slice(0, 4)"""
        )
        wide += [f"{tab} at {width}: {one}" for one in found]
    assert wide == []
    furnished.set_viewport_size({"width": 1440, "height": 900})


def test_escape_closes_and_gives_the_focus_back(furnished: Page) -> None:
    page = furnished
    go(page, "Generate")
    for opener, opened in ((".queue-open", ".queue-list"), (".rack-help", ".rack-keys")):
        page.locator(opener).focus()
        page.keyboard.press("Enter")
        expect(page.locator(opened)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(opened)).to_be_hidden()
        expect(page.locator(opener)).to_be_focused()
    go(page, "Library")
    card = page.locator('.lib-card[data-name="clay"] .lib-open')
    card.click()
    expect(page.locator(".lib-details")).to_be_visible()
    page.locator(".lib-close").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".lib-details")).to_be_hidden()
    expect(card).to_be_focused()


def test_the_page_can_be_installed(furnished: Page, server: Server) -> None:
    page = furnished
    link = page.locator('link[rel="manifest"]').get_attribute("href")
    assert link
    session = page.context.new_cdp_session(page)
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window of a test is a private one.
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
    manifest = page.request.get(f"{server.url.rstrip('/')}/manifest.json").json()
    assert (manifest["name"], manifest["display"]) == ("EigenLoRAx Studio", "standalone")
    icon = page.request.get(f"{server.url.rstrip('/')}{manifest['icons'][0]['src']}")
    assert icon.ok and icon.headers["content-type"].startswith("image/")


def test_axe_finds_nothing_in_any_tab_light_and_dark(furnished: Page) -> None:
    page, told, met = furnished, list[str](), set[tuple[str, str]]()
    go(page, "Generate")
    _open_everything(page)
    for scheme in ("light", "dark"):
        for tab in TABS:
            go(page, tab)
            if tab == "Gallery":
                page.locator(".gallery-tile").first.click()
                expect(page.locator(".gallery-view")).to_be_visible()
            if tab == "Library":
                page.locator('.lib-card[data-name="clay"] .lib-open').click()
                expect(page.locator(".lib-alikes, .lib-known dl").first).to_be_visible()
            told += _broken(page, f"{scheme} {tab}", met)
        page.locator(".queue-open").click()
        told += _broken(page, f"{scheme} queue", met)
        page.keyboard.press("Escape")
        go(page, "Generate")
        page.locator(".rack-help").click()
        told += _broken(page, f"{scheme} keys", met)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Switch between light and dark").click()
    assert not told, "\n".join(told)
    assert met == GRADIOS.keys()


def test_light_and_dark(furnished: Page) -> None:
    page = furnished
    dark = "() => document.body.classList.contains('dark')"
    assert not page.evaluate(dark)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(dark)
    page.reload()
    await_styles(page)
    page.wait_for_function(dark)
