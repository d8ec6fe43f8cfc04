"""Tables and sheets say what the figures are."""

from dataclasses import replace

from PIL import Image

from eigenlorax.report.sheet import SheetRow, contact_sheet, fidelity_table, stacked
from eigenlorax.subspace.fidelity import Fidelity
from eigenlorax.subspace.kept_cores import KeptCores
from eigenlorax.subspace.style import Style


def _style(name: str, kept: float) -> Style:
    return Style(name, KeptCores(), "s", Fidelity(kept, "unet.x", kept / 2, 0, 1_000_000, 50_000))


def test_the_table_is_sorted_and_sums_up() -> None:
    lines = fidelity_table([_style("poor", 0.4), _style("good", 0.99)], 200_000).splitlines()
    assert lines[1].startswith("good") and "faithful" in lines[1] and "99.0%" in lines[1]
    assert lines[2].startswith("poor") and "lost" in lines[2] and "(20%)" in lines[2]
    assert lines[-1] == "2 LoRAs: 2.00 MB before, 0.20 MB after (bases and styles), 10.0x"


def test_pictures_stand_in_their_cells() -> None:
    red, blue = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    sheet = contact_sheet(
        "t", ["one", "two"], [SheetRow("a", [red, None]), SheetRow("b", [None, blue])], cell=50
    )
    colors = {color: count for count, color in sheet.getcolors(10_000) or []}
    assert colors[(255, 0, 0)] == colors[(0, 0, 255)] == 50 * 50


def test_what_the_same_lora_would_lose_on_its_own_is_beside_the_error() -> None:
    style = _style("poor", 0.36)
    peers = replace(
        style.fidelity,
        own_error=0.7,
        alone_error=0.6,
        alone_bytes=9,
        effect_error=0.5,
        alone_effect_error=0.3,
    )
    lines = fidelity_table([replace(style, fidelity=peers), _style("old", 0.99)], 200_000).splitlines()
    assert lines[2].split()[2:5] == ["0.800", "0.700", "0.600"]
    assert lines[1].split()[3:5] == ["-", "-"]
    assert lines[3] == (
        "poor: its own SVD at equal bytes is nearer (error 0.300, here 0.500, weighted as in the fit)"
    )


def test_sheets_are_stacked_whole() -> None:
    sheets = [Image.new("RGB", (30, 10), "red"), Image.new("RGB", (20, 15), "blue")]
    whole = stacked(sheets)
    assert whole.size == (30, 25)
    assert whole.getpixel((0, 0)) == (255, 0, 0) and whole.getpixel((19, 24)) == (0, 0, 255)
