"""How far the size told before a compression is from the true one, on the demo collection.

    python -m tests.benchmarks.size_estimate [--qualities 0.9 0.97 0.995] [--modules 16 32 48 156]

For each number of sampled modules: bytes told, headers included, against bytes on disk. Measured on two cores
that were shared (24 LoRAs, 156 modules, the model's own effects):

    quality   true bytes   16 modules   32        48       all 156
    0.9        1,436,808   +34.3 %      -8.8 %    +5.5 %   +0.2 %
    0.97       2,328,828   +16.9 %     -12.0 %    +3.9 %   +0.3 %
    0.995      3,352,892    +7.7 %     -11.2 %    +2.0 %   +0.1 %

The page tells the figure from 16 modules on, says from how many, and ends at 48.
"""

import argparse
import tempfile
from pathlib import Path

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.library.budget import header_bytes
from eigenlorax.studio import Studio
from eigenlorax.subspace.size_curve import size_curve
from eigenlorax.subspaces.wish import DEFAULT_NUMBERS, Wish


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--qualities", type=float, nargs="+", default=[0.9, 0.97, 0.995])
    parser.add_argument("--modules", type=int, nargs="+", default=[16, 32, 48, 156])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(str(DEMO_MODEL), Path(folder))
        loras = studio.originals()
        importance = studio._engine.facts.importance(studio.base.layout)
        curves = {most: drain(size_curve(loras, importance, DEFAULT_NUMBERS, most)) for most in asked.modules}
        for quality in asked.qualities:
            true = drain(studio.subspaces.compress(None, Wish(quality))).stored_bytes
            for most, curve in curves.items():
                told = curve.number_bytes(quality) + header_bytes(curve.modules, len(loras))
                print(
                    f"{quality:<7} {most:>4} modules  told {told:>10,}  true {true:>10,}  {told / true - 1:+.1%}"
                )


if __name__ == "__main__":
    main()
