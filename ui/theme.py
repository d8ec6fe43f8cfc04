"""One calm theme, light and dark: warm paper, deep teal for what acts, amber for what is inverted."""

import json
from pathlib import Path

from gradio.themes import Base, Color, LocalFont, Size, sizes

from ui.text import PICTURE_PLACE

ASSETS = Path(__file__).resolve().parent.parent / "assets"
STYLE_SHEETS = (
    "style.css", "queue.css", "rack.css", "blend.css", "library.css", "library_grid.css",
    "library_details.css", "compress.css", "train.css", "recall.css", "gallery.css", "language.css",
)  # fmt: skip
FAVICON = ASSETS / "favicon.svg"

TEAL = Color(
    name="teal-studio", c50="#effaf8", c100="#d3f2ed", c200="#a9e4dc", c300="#74cfc4", c400="#40b3a7",
    c500="#21978c", c600="#127970", c700="#10625c", c800="#114e4a", c900="#11413e", c950="#042726",
)  # fmt: skip
PAPER = Color(
    name="paper-studio", c50="#faf9f7", c100="#f3f1ed", c200="#e7e4de", c300="#d5d1c9", c400="#a9a49a",
    c500="#78736a", c600="#5b574f", c700="#44413b", c800="#2a2826", c900="#1d1c1a", c950="#141312",
)  # fmt: skip
JAPANESE = ("Hiragino Sans", "Yu Gothic UI", "Meiryo", "Noto Sans CJK JP", "Noto Sans JP")
"""Fonts of macOS, Windows and Linux for the letters that the first one lacks."""
RADIUS = Size(name="radius-studio", xxs="3px", xs="4px", sm="6px", md="9px", lg="12px", xl="16px", xxl="22px")


def studio_theme() -> Base:
    """The theme; its fonts come with Gradio or with the system, nothing is fetched."""
    # Gradio's semi-bold files hold only some hundred letters, so weight 600 must fall on the bold one.
    plex = LocalFont("IBM Plex Sans", weights=(400, 700))
    mono = LocalFont("IBM Plex Mono", weights=(400,))
    theme = Base(
        primary_hue=TEAL, secondary_hue=TEAL, neutral_hue=PAPER, radius_size=RADIUS,
        spacing_size=sizes.spacing_md, text_size=sizes.text_md,
        font=(plex, "system-ui", *JAPANESE, "sans-serif"), font_mono=(mono, "ui-monospace", "monospace"),
    ).set(
        body_background_fill="*neutral_100", body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800", body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff", background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50", background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_200", border_color_primary_dark="#35332f",
        border_color_accent="*primary_300", border_color_accent_dark="*primary_700",
        block_background_fill="#ffffff", block_background_fill_dark="*neutral_900",
        block_border_width="1px", block_border_width_dark="1px",
        block_border_color="*neutral_200", block_border_color_dark="#302e2b",
        block_shadow="none", block_shadow_dark="none", block_radius="*radius_lg",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_label_border_width="0px", block_label_border_width_dark="0px",
        block_label_text_color="*neutral_600", block_label_text_color_dark="*neutral_400",
        block_title_text_color="*neutral_700", block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600", block_title_text_size="*text_sm",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_400",
        block_info_text_size="12px",
        input_background_fill="*neutral_50", input_background_fill_dark="#161513",
        input_border_color="*neutral_300", input_border_color_dark="#3a3834",
        input_border_color_focus="*primary_500", input_border_color_focus_dark="*primary_400",
        input_shadow="none", input_shadow_dark="none",
        input_shadow_focus="0 0 0 3px color-mix(in srgb, *primary_500 22%, transparent)",
        input_shadow_focus_dark="0 0 0 3px color-mix(in srgb, *primary_400 25%, transparent)",
        input_placeholder_color="*neutral_600", input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600", button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_200",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#04211f",
        button_primary_border_color="transparent", button_primary_border_color_dark="transparent",
        button_secondary_background_fill="#ffffff", button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300", button_secondary_border_color_dark="#403d39",
        button_secondary_text_color="*neutral_800", button_secondary_text_color_dark="*neutral_100",
        button_border_width="1px", button_large_radius="*radius_md", button_small_radius="*radius_md",
        button_large_text_weight="600", button_large_text_size="*text_md",
        button_large_padding="*spacing_md calc(2 * *spacing_md)", layout_gap="*spacing_lg",
        button_transition="background 120ms ease, border-color 120ms ease",
        slider_color="*primary_600", slider_color_dark="*primary_300",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        checkbox_border_color_selected="*primary_600", checkbox_border_color_selected_dark="*primary_500",
        loader_color="*primary_600", loader_color_dark="*primary_300",
        color_accent="*primary_600", color_accent_soft="*primary_50", color_accent_soft_dark="#18302e",
        link_text_color="*primary_700", link_text_color_dark="*primary_300",
    )  # fmt: skip
    # Not as `css_paths`: Gradio rewrites those, and breaks media queries and `:is()` on the way.
    words = f":root {{ --picture-place: {json.dumps(PICTURE_PLACE, ensure_ascii=False)}; }}"
    sheets = [(ASSETS / name).read_text(encoding="utf-8") for name in STYLE_SHEETS]
    theme.custom_css = "\n".join((words, *sheets))
    return theme
