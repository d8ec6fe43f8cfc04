"""What all contenders of the few-shot comparison share: the base, the donors, the pictures, the questions of TEST."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from eigenlorax.events import drain
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import Component, ModulePath
from eigenlorax.runtime.live import LiveInjection, StackedUpdate
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.augment import donor_driven, with_floor
from eigenlorax.subspace.basis import canonical, project
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.asking import fixed, joined
from eigenlorax.training.batches import Batch
from eigenlorax.training.captions import Caption, Origin
from eigenlorax.training.material import PictureMaterial
from eigenlorax.training.picture_set import PictureSet, Preparation, Telling, prepare
from eigenlorax.training.pictures import Taken, look
from eigenlorax.training.predictor import Predictor, Updates
from eigenlorax.training.shown import Captioned, Schedule, Shown, squared_errors
from tests import tiny
from tests.benchmarks.fewshot_forms import components

IMAGES = Path("assets/demo/images")
LORAS = Path("assets/demo/loras")
#: Of the noise that test pictures are seen through; no start, rate or stopping choice ever sees it.
_TEST_SEED = 77_000


@dataclass(frozen=True, eq=False)
class Ground:
    """What every run starts from.

    Attributes:
        base: The base model, float32.
        live: Injected; each run wears what it learns.
        donors: LoRA -> what it does to each weight of the UNet.
        latents: Folder where encoded pictures are kept for the next run.
    """

    base: BaseModel
    live: LiveInjection
    donors: Mapping[str, Mapping[ModulePath, LoRALayer]]
    latents: Path | None = None

    @classmethod
    def of(cls, base: BaseModel, files: Sequence[Path], latents: Path | None = None) -> "Ground":
        """With LoRA files as donors."""
        reader = tiny.reader(base)
        read = {path.stem: reader.open(path).layers for path in files}
        donors = {
            name: {p: layers[p] for p in layers if p.component is Component.UNET}
            for name, layers in read.items()
        }
        return cls(base, LiveInjection(base.modules), donors, latents)

    @functools.cached_property
    def predictor(self) -> Predictor:
        """For measuring."""
        return Predictor(self.base.pipeline, self.live, self.base.native_size)

    @functools.cached_property
    def shapes(self) -> dict[ModulePath, tuple[int, int]]:
        """Every weight that some donor changes: what all contenders may change."""
        paths = sorted({path for layers in self.donors.values() for path in layers})
        return {path: self.base.layout[path].matrix for path in paths}

    @functools.cache  # noqa: B019 - a worker has one ground for its whole life
    def stacked(self, columns: int) -> dict[ModulePath, StackedUpdate]:
        """The donors in the collection's leading columns, as `subspaces.teaching` brings them."""
        weights = {name: sum(x.norm**2 for x in own.values()) ** -0.5 for name, own in self.donors.items()}

        def updates(path: ModulePath) -> Sequence[LoRALayer]:
            return [own[path].scaled(weights[n]) for n, own in self.donors.items() if path in own]

        empty = Subspace({}, self.base.layout_hash, {}, 1.0)
        wide = drain(with_floor(empty, self.shapes, columns, donor_driven(updates)))
        device, found = self.base.device, {}
        for path, basis in wide.bases.items():
            cores = [
                project(canonical(own[path]), basis) if path in own else torch.zeros(basis.core_shape)
                for own in self.donors.values()
            ]
            out, into = basis.out.to(device), basis.into.to(device)
            found[path] = StackedUpdate(
                out, into, torch.stack(cores).to(device),
                out.new_zeros(out.shape[0], 0), into.new_zeros(0, into.shape[0]),
                torch.zeros(0, dtype=torch.long, device=device),
            )  # fmt: skip
        return found

    @functools.cache  # noqa: B019
    def components(self, count: int) -> dict[ModulePath, tuple[Tensor, Tensor]]:
        """The paper's principal components of the donors."""
        return components(self.donors, count, self.base.device)

    @functools.cache  # noqa: B019
    def examination(self, folder: Path) -> "Examination":
        """The test pictures of a style, encoded once."""
        return Examination(self, folder / "test")

    def lesson(self, folder: Path, shots: int, seed: int, rows: int) -> PictureMaterial:
        """So many pictures of a style, chosen and ordered by the seed, split as the app splits them."""
        files = pictures(folder / "train")
        order = torch.randperm(len(files), generator=torch.Generator().manual_seed(seed)).tolist()
        chosen = self.prepared([files[i] for i in order[:shots]], rows, seed)
        return PictureMaterial(chosen, Telling.NATIVE)

    def prepared(self, files: Sequence[Path], rows: int, seed: int) -> PictureSet:
        """Pictures with the captions that lie beside them."""
        taken = [fate for fate in map(look, files) if isinstance(fate, Taken)]
        if len(taken) < len(files):
            raise ValueError(f"{files[0].parent} has broken pictures")
        captions = [Caption(path, caption_of(path), Origin.BESIDE) for path in files]
        preparation = Preparation(self.base.native_size, rows, seed)
        return drain(prepare(taken, captions, self.base.pipeline.vae, preparation, self.latents))


class Examination:
    """TEST: the mean squared error on pictures of other subjects, at six timesteps and noise that never change.

    Args:
        ground: The base.
        folder: Of the test pictures.
    """

    def __init__(self, ground: Ground, folder: Path) -> None:
        files = pictures(folder)
        self.captions = [caption_of(path) for path in files]
        seen = ground.prepared(files, 1, 0)
        groups = [Batch(tuple(range(len(files))), (False,) * len(files))]
        shown = [
            Shown(seen.latents(b).float(), seen.captions(b), seen.time_ids(b, Telling.NATIVE)) for b in groups
        ]
        self._asked = joined(fixed(Schedule.of(ground.base.pipeline), shown, _TEST_SEED))
        self._predictor = ground.predictor
        self._words = Captioned(self._predictor, self.captions)
        self.base = self.error({})

    @torch.no_grad()
    def error(self, updates: Updates) -> float:
        """With these updates worn, beside whatever the UNet itself has been given."""
        weights = torch.ones(1, 1 if updates else 0, device=self._predictor.device)
        return float(
            squared_errors(self._predictor, self._words, self._asked, updates, weights).double().mean()
        )


def pictures(folder: Path) -> list[Path]:
    """A folder's pictures by name."""
    return sorted(folder.glob("*.webp"))


def caption_of(picture: Path) -> str:
    """The text beside a picture."""
    return picture.with_suffix(".txt").read_text(encoding="utf-8").strip()
