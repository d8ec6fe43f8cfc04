"""A folder as A1111's users have it, for the library's journey and its benchmark."""

import json
from pathlib import Path

from PIL import Image

from eigenlorax.formats.header import read_header
from eigenlorax.home import DEMO_LORAS
from tests import headers

FILES = 498


def a_webui(root: Path) -> Path:
    """Write 500 sparse LoRA files with all kinds of sidecars, one broken and one for SD1.5; gives `root`."""
    place = root / "models" / "Lora"
    shapes = read_header(next(iter(sorted(DEMO_LORAS.glob("*.safetensors"))))).shapes
    for number in range(FILES):
        folder = place / ("styles", "people", "things/small")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"modelspec.title": f"Look {number}", "modelspec.trigger_phrase": f"look {number}"}
        path = headers.write(folder / f"look {number:03d}.safetensors", shapes, metadata)
        if number % 2:
            note = {"activation text": f"glow {number}", "preferred weight": 0.7}
            path.with_suffix(".json").write_text(json.dumps(note))
        if number % 5 == 0:
            shade = (number % 256, 90, 160)
            Image.new("RGB", (320, 400), shade).save(path.with_suffix(".preview.png"))
    (place / "broken.safetensors").write_bytes(b"nothing of the kind")
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    old = {f"{key}.lora_down.weight": (4, 768), f"{key}.lora_up.weight": (320, 4)}
    headers.write(place / "painter for sd15.safetensors", old)
    (root / "webui.py").write_text("")
    return root
