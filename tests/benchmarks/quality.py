"""Bytes and pictures against the quality asked for: where the app's default comes from.

    python -m tests.benchmarks.quality [--every 3] [--json FILE]

Compresses the demo LoRAs at several qualities and compares pictures of one subject at one seed with those of
the original LoRAs, in root mean square of 255 steps; beside them what no style at all would give.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import fmean

from PIL import Image

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.likeness import distance
from eigenlorax.recipe import GenerationRequest
from eigenlorax.studio import Studio
from eigenlorax.subspaces.wish import Wish

QUALITIES = (0.95, 0.98, 0.99, 0.995, 0.999)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=3, help="draw every so manieth style")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(str(DEMO_MODEL), Path(folder))
        words = {entry.report.name: entry.report.trigger_words[0] for entry in studio.entries()}
        drawn = list(words)[:: given.every]

        def request(name: str, strength: float) -> GenerationRequest:
            side = studio.base.native_size
            prompt = f"a red apple, {words[name]}"
            return GenerationRequest(
                prompt, seed=7, width=side, height=side, styles={name: strength} if strength else {}
            )

        def far(pictures: dict[str, Image.Image]) -> float:
            return fmean(255 * distance(originals[name], pictures[name]).rms for name in drawn)

        originals = {n: drain(studio.generate_with_lora(request(n, 0.0), n)).image for n in drawn}
        bare = far({n: drain(studio.generate(request(n, 0.0))).image for n in drawn})
        print(f"{len(words)} LoRAs, {len(drawn)} drawn; no style at all: {bare:.1f}")
        rows = []
        for quality in QUALITIES:
            made = drain(studio.subspaces.compress(wish=Wish(retain=quality)))
            pictures = far({n: drain(studio.generate(request(n, 1.0))).image for n in drawn})
            ratio = made.original_bytes / made.stored_bytes
            rows.append(
                {"quality": quality, "bytes": made.stored_bytes, "ratio": ratio, "pictures": pictures}
            )
            print(
                f"quality {quality:<6} {made.stored_bytes:>10,} B  {ratio:.1f}x  pictures {pictures:.1f}",
                flush=True,
            )
        if given.json:
            given.json.write_text(json.dumps({"no style": bare, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
