"""The form that asks for previews."""

import gradio as gr

from eigenlorax.cases.previews import PreviewWish
from ui import grid_text


def preview_form() -> tuple[gr.Textbox, gr.Number, gr.Checkbox, gr.Button]:
    """Prompt, seed, whether those with a picture are drawn too, and the button."""
    wish = PreviewWish()
    prompt = gr.Textbox(
        wish.prompt, label=grid_text.PREVIEW_PROMPT, info=grid_text.PREVIEW_PROMPT_INFO, max_lines=2,
        elem_id="preview-prompt",
    )  # fmt: skip
    seed = gr.Number(wish.seed, precision=0, minimum=0, label=grid_text.PREVIEW_SEED, elem_id="preview-seed")
    again = gr.Checkbox(False, label=grid_text.PREVIEW_ALL, elem_id="preview-all")
    return prompt, seed, again, gr.Button(grid_text.RENDER, size="sm", elem_id="render")
