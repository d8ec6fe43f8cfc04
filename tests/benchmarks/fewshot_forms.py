"""What the peers of few-shot teaching learn: numbers with `Student`'s interface, so that all descend alike."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Bool
from peft import LoraConfig
from torch import Tensor, nn

from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.runtime.live import StackedUpdate
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.training.predictor import Updates
from eigenlorax.training.student import Student, spread
from tests.benchmarks.peers import principal

_ADAPTER = "peer"


class PaperStudent(Student):
    """The paper's form: B = V_B beta, A = alpha V_A, with the donors' principal components frozen.

    Args:
        frames: Module -> the components of both sides, (K, out) and (K, in).
        rank: r of alpha (r, K) and beta (K, r).
        published: Both at random in [-0.5, 0.5], as the paper's code starts; otherwise as LoRA does, alpha
            at random and beta at zero.
        seed: Of alpha and beta.

    Source: arXiv:2502.04700; alpha's range is that of PEFT's A.
    """

    def __init__(
        self, frames: Mapping[ModulePath, tuple[Tensor, Tensor]], rank: int, *, published: bool, seed: int
    ) -> None:
        super().__init__({}, {})
        chance, self._frames = torch.Generator().manual_seed(seed), frames
        self._loadings: dict[ModulePath, tuple[nn.Parameter, nn.Parameter]] = {}
        for path, (out, into) in frames.items():
            beta, alpha = (torch.rand(side.shape[0], rank, generator=chance) - 0.5 for side in (out, into))
            if not published:
                beta, alpha = torch.zeros_like(beta), alpha * 2 / max(into.shape[0], 1) ** 0.5
            device = out.device
            self._loadings[path] = (
                nn.Parameter(beta.to(device)),
                nn.Parameter(alpha.mT.contiguous().to(device)),
            )

    def parameters(self) -> list[nn.Parameter]:
        """As `Student`."""
        return [side for pair in self._loadings.values() for side in pair]

    def updates(self) -> dict[ModulePath, StackedUpdate]:
        """As `Student`."""
        found = {}
        for path, (beta, alpha) in self._loadings.items():
            out, into = self._frames[path]
            found[path] = private(out.mT @ beta, alpha @ into)
        return found

    def taken(
        self, old: Sequence[Tensor], new: Sequence[Tensor], better: Bool[Tensor, " styles"]
    ) -> list[Tensor]:
        """As `Student`: one style has all numbers."""
        return list(new if bool(better[0]) else old)


class Adapters(Student):
    """A PEFT LoRA that the UNet itself wears; its updates are therefore none."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__({}, {})
        self._own = [p for name, p in unet.named_parameters() if f".{_ADAPTER}." in name]

    def parameters(self) -> list[nn.Parameter]:
        """As `Student`."""
        return self._own

    def updates(self) -> dict[ModulePath, StackedUpdate]:
        """Nothing beside the UNet."""
        return {}

    def taken(
        self, old: Sequence[Tensor], new: Sequence[Tensor], better: Bool[Tensor, " styles"]
    ) -> list[Tensor]:
        """As `Student`: one style has all numbers."""
        return list(new if bool(better[0]) else old)


@contextmanager
def adapters(base: BaseModel, paths: Sequence[ModulePath], rank: int, seed: int) -> Iterator[Adapters]:
    """Within the block the UNet wears a fresh LoRA by PEFT, alpha = r, A at random and B zero.

    Args:
        base: Its UNet is as it was after the block.
        paths: The weights that it changes.
        rank: In every module, or as much as the module has.
        seed: Of A.
    """
    unet, names = base.pipeline.unet, [path.name for path in paths]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet.add_adapter(
            LoraConfig(r=rank, lora_alpha=rank, target_modules=names, init_lora_weights=True), _ADAPTER
        )
    try:
        student = Adapters(unet)
        if len(student.parameters()) != 2 * len(names):
            raise ValueError(f"PEFT found {len(student.parameters()) / 2} of {len(names)} modules")
        yield student
    finally:
        unet.unload_lora()


def components(
    donors: Mapping[str, Mapping[ModulePath, LoRALayer]], count: int, device: torch.device
) -> dict[ModulePath, tuple[Tensor, Tensor]]:
    """Module -> principal components of the donors' raw factors, stacked and centred: (K, out) and (K, in).

    Source: arXiv:2502.04700, algorithm 1.
    """
    found = {}
    for path in sorted({path for layers in donors.values() for path in layers}):
        own = [layers[path] for layers in donors.values() if path in layers]
        sides = torch.cat([x.up.mT for x in own]), torch.cat([x.down for x in own])
        out, into = (principal(rows)[1][:count].contiguous().to(device) for rows in sides)
        found[path] = out, into
    return found


def cores(donors: Updates, *, mean: bool, whiten: bool) -> Student:
    """Bare cores from nothing or from the donors' mean, each entry by its spread or all by one size."""
    start, scales = {}, {}
    whole = torch.cat([update.cores.flatten() for update in donors.values()]).square().mean().sqrt()
    for path, update in donors.items():
        middle = update.cores.mean(0, keepdim=True)
        at = middle if mean else torch.zeros_like(middle)
        start[path] = StackedUpdate(update.out, update.into, at, update.up, update.down, update.owner)
        scales[path, "cores"] = spread(update.cores)[:1] if whiten else whole.expand_as(at).contiguous()
    return Student(start, scales)


def private(up: Tensor, down: Tensor) -> StackedUpdate:
    """up @ down of one style, without a shared part."""
    return StackedUpdate(
        up.new_zeros(up.shape[0], 0), up.new_zeros(down.shape[1], 0), up.new_zeros(1, 0, 0), up, down,
        torch.zeros(up.shape[1], dtype=torch.long, device=up.device),
    )  # fmt: skip
