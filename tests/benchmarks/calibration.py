"""What calibration is worth at few bytes: predictions and pictures against the original LoRA's, side by side.

    python -m tests.benchmarks.calibration [--ratio 18] [--steps 300] [--subjects FILE] [--pictures DIR] [--json FILE]

Methods, all at the same bytes on disk unless said otherwise, headers included in ours:
* ours: int8 numbers, bytes where a change of a weight changes a prediction; before and after calibration.
* each LoRA alone: truncated SVD in fp16, ranks given out by squared error per byte, the best there is without
  a model; also one rank in every module ("rank 1"), about 8 times smaller than rank 8.
* the paper's form in fp16 (see `compression`).

Distances are taken on subjects that calibration never learnt from, with noise that it never saw: predictions
relative to the bare base's (1: as far as no style), pictures in root mean square of 255 steps, with the half
width of a 95% interval over styles. On a CUDA device all styles learn side by side; a CPU takes about half an hour.
"""

import argparse
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import torch
from PIL import Image
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.home import DEMO_MODEL
from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.hardware import Hardware, detect
from eigenlorax.runtime.live import LiveInjection
from eigenlorax.runtime.stacking import stack_layers, stack_styles
from eigenlorax.studio import Studio
from eigenlorax.subspace.basis import canonical
from eigenlorax.subspaces.wish import Wish
from eigenlorax.training.calibrate import CalibrationSettings
from eigenlorax.training.exam import Exam
from eigenlorax.training.lesson import draw_lesson, sampled, subjects
from eigenlorax.training.predictor import Predictor, Updates
from tests.benchmarks.peers import alone, paper

_SEED = 50_000
_STEPS, _GUIDANCE, _BATCH = 20, 4.5, 96
#: Subjects of each style that predictions are compared on.
_EXAMINED = 8


def rank_one(loras: Sequence[LoRA]) -> tuple[dict[str, dict[ModulePath, LoRALayer]], int]:
    """The leading direction of every module of each LoRA, in fp16."""
    made: dict[str, dict[ModulePath, LoRALayer]] = {}
    size = 0
    for lora in loras:
        made[lora.name] = {}
        for path, layer in lora.layers.items():
            form = canonical(layer)
            up, down = form.p[:, :1] * form.s[:1].sqrt(), (form.q[:, :1] * form.s[:1].sqrt()).mT
            made[lora.name][path] = LoRALayer(up.half().float(), down.half().float())
            size += 2 * (up.numel() + down.numel())
    return made, size


class Judge:
    """Held-out questions and pictures, the same for every method."""

    def __init__(
        self,
        studio: Studio,
        loras: Sequence[LoRA],
        words: Mapping[str, str],
        chosen: Sequence[tuple[str, str]],
    ) -> None:
        self._names = [lora.name for lora in loras]
        self._device = studio.base.pipeline.device
        self.live = LiveInjection(studio.base.modules)
        self._predictor = Predictor(studio.base.pipeline, self.live, studio.base.native_size)
        self._rows = [
            (style, f"{caption}, {words[name]}", subject)
            for style, name in enumerate(self._names)
            for subject, caption in chosen
        ]
        self.teacher = stack_layers([lora.layers for lora in loras], self._device)
        self.truth = self.drawn(self.teacher)
        self._exam = self._examined()

    def _examined(self) -> Exam:
        chance = torch.Generator().manual_seed(_SEED)
        per = len(self._rows) // len(self._names)
        some = [row[:2] for place, row in enumerate(self._rows) if place % per < _EXAMINED]
        drawing = draw_lesson(self._predictor, self.teacher, some, len(self._names), _BATCH, chance)
        return Exam(self._predictor, self.teacher, drain(drawing), len(self._names), chance)

    def distances(self, updates: Updates) -> tuple[float, ...]:
        """Of predictions, one for each style."""
        return self._exam.distances(updates)

    @torch.no_grad()
    def drawn(self, updates: Updates) -> Tensor:
        """(pictures, 3, side, side) uint8: every style with every subject."""
        pipeline, found = self._predictor.pipeline, []
        edge = self._predictor.side // pipeline.vae_scale_factor
        for start in range(0, len(self._rows), _BATCH):
            part = self._rows[start : start + _BATCH]
            noise = torch.cat(
                [
                    torch.randn(
                        1, 4, edge, edge, generator=torch.Generator().manual_seed(_SEED + start + place)
                    )
                    for place in range(len(part))
                ]
            )
            latents = sampled(
                self._predictor, updates, [row[:2] for row in part], len(self._names), noise,
                torch.Generator().manual_seed(_SEED), _STEPS, _GUIDANCE,
            )  # fmt: skip
            scaled = latents.to(pipeline.vae.device, pipeline.vae.dtype) / pipeline.vae.config.scaling_factor
            pixels = pipeline.vae.decode(scaled, return_dict=False)[0]
            found.append(((pixels.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu())
        return torch.cat(found)

    def far(self, pictures: Tensor) -> list[float]:
        """Mean over subjects of the root mean square difference to the LoRA's picture, one for each style."""
        missed = (pictures.float() - self.truth.float()).square().flatten(1).mean(1).sqrt()
        return missed.view(len(self._names), -1).mean(1).tolist()

    def keep(self, pictures: Tensor, path: Path) -> None:
        """A zip of PNG files with a manifest of subject and style."""
        lines = []
        with zipfile.ZipFile(path, "w") as archive:
            for number, (pixels, (style, _, subject)) in enumerate(zip(pictures, self._rows, strict=True)):
                name, content = f"{number:05d}.webp", io.BytesIO()
                Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(
                    content, "webp", lossless=True, method=0
                )
                archive.writestr(name, content.getvalue())
                lines.append(json.dumps({"file": name, "subject": subject, "style": self._names[style]}))
            archive.writestr("manifest.jsonl", "\n".join(lines) + "\n")


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", nargs="*", help="only these LoRAs")
    parser.add_argument("--ratio", type=float, default=18.0)
    parser.add_argument("--steps", type=int, default=CalibrationSettings.steps)
    parser.add_argument("--rate", type=float, default=CalibrationSettings.rate)
    parser.add_argument("--rows", type=int, default=CalibrationSettings.rows)
    parser.add_argument(
        "--subjects", type=Path, help="JSON [[name, caption], ...]; default: the held-out words"
    )
    parser.add_argument("--pictures", type=Path, help="folder for zips of what was drawn")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = detect()
    studio = Studio(
        str(DEMO_MODEL), Path(tempfile.mkdtemp()), Hardware(found.device, torch.float32, found.name)
    )
    loras = [
        LoRA(lora.name, {path: lora.layers[path] for path in lora.layers}, lora.sha256)
        for lora in studio.originals(given.names or None)
    ]
    words = {e.report.name: e.report.trigger_words[0] for e in studio.entries() if e.report.trigger_words}
    held = [(word, word) for word in subjects(DEMO_MODEL)[1]]
    chosen = [tuple(pair) for pair in json.loads(given.subjects.read_text())] if given.subjects else held
    whole = sum(2 * (x.up.numel() + x.down.numel()) for lora in loras for x in lora.layers.values())
    budget = int(whole / given.ratio)
    settings = CalibrationSettings(steps=given.steps, rate=given.rate, rows=given.rows)

    drain(studio.subspaces.compress([lora.name for lora in loras], Wish(budget=budget)))
    ours = _worn(studio, loras)
    size = studio.stored_bytes
    drain(studio.growth.calibrate(None, settings))
    learnt = _worn(studio, loras)
    judge = Judge(studio, loras, words, chosen)
    peers = {
        "each LoRA alone": alone(loras, size),
        "the paper's form": paper(loras, size),
        "rank 1 of each": rank_one(loras),
    }
    methods = {"ours": (ours, size), "ours, calibrated": (learnt, studio.stored_bytes)}
    for name, (made, taken) in peers.items():
        layers = [made[lora.name] for lora in loras]
        methods[name] = (stack_layers(layers, studio.base.pipeline.device), taken)
    rows = []
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
        judge.keep(judge.truth, given.pictures / "original.zip")
    base = judge.far(judge.drawn({}))
    print(
        f"{found.name}; {len(loras)} LoRAs, {len(chosen)} subjects, {whole:,} B as fp16 factors; no style: pictures {fmean(base):.1f}"
    )
    for name, (updates, taken) in methods.items():
        distances, pictures = judge.distances(updates), judge.drawn(updates)
        far = judge.far(pictures)
        half = 1.96 * stdev(far) / len(far) ** 0.5
        rows.append(
            {"method": name, "bytes": taken, "ratio": whole / taken, "distances": distances, "pictures": far}
        )
        print(f"{name:18} {taken:>9,} B {whole / taken:5.1f}x  predictions {fmean(distances):.3f} (squared "
              f"{fmean(d * d for d in distances):.3f})  pictures {fmean(far):5.1f} +- {half:.1f}", flush=True)  # fmt: skip
        if given.pictures:
            file_name = "-".join(re.findall(r"\w+", name))
            judge.keep(pictures, given.pictures / f"{file_name}.zip")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


def _worn(studio: Studio, loras: Sequence[LoRA]) -> Updates:
    subspace = studio.subspaces.current.needed()
    return stack_styles(subspace, [studio.styles[x.name] for x in loras], studio.base.pipeline.device)


if __name__ == "__main__":
    main()
