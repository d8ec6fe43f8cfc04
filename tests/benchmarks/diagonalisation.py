"""Joint diagonalisation, for comparison only: dW_i ~ U S_i V^T with U and V shared and S_i dense or diagonal.

One number of columns k for all modules. Dense S_i: U and V orthonormal, each side in turn the leading eigenvectors
of what the other lets through. Diagonal S_i: U and V free, all three factors in turn by least squares. LoRAs are
scaled to norm 1 before and back after. The alternation runs on cores with respect to all directions of a
module's collection, which loses nothing.

Source: "Compress then Serve: Serving Thousands of LoRA Adapters with Little Overhead", arXiv:2407.00066, JD-Full
and JD-Diag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlorax.lora import LoRA, LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import CanonicalLayer, canonical
from eigenlorax.subspace.frames import SharedFrames, hosvd
from tests.benchmarks.approximation import Approximation, modules, norms, whole_bytes

_SWEEPS = 10
_RIDGE = 1e-9


@dataclass(frozen=True)
class Factors:
    """U, V and what stands between them for each LoRA, in float64.

    Attributes:
        left: (k_all, k).
        middle: (loras, k, k) or (loras, k) for its diagonal.
        right: (l_all, k).
    """

    left: Tensor
    middle: Tensor
    right: Tensor

    def core(self, number: int) -> Tensor:
        """U S V^T of one LoRA."""
        middle = self.middle[number]
        return self.left @ (middle if middle.dim() == 2 else middle.diag()) @ self.right.mT


def dense(cores: Tensor, k: int) -> Factors:
    """JD-Full by alternating eigenvectors.

    Args:
        cores: (loras, k_all, l_all).
        k: Shared columns a side.
    """
    right = torch.eye(cores.shape[2], dtype=cores.dtype)[:, :k]
    for _ in range(_SWEEPS):
        left = _leading(cores @ right, k)
        right = _leading(cores.mT @ left, k)
    return Factors(left, left.mT @ cores @ right, right)


def diagonal(cores: Tensor, k: int) -> Factors:
    """JD-Diag by alternating least squares; k may exceed the number of directions."""
    g = torch.Generator().manual_seed(7)
    left = torch.randn(cores.shape[1], k, generator=g, dtype=cores.dtype)
    right = torch.randn(cores.shape[2], k, generator=g, dtype=cores.dtype)
    middle = torch.randn(cores.shape[0], k, generator=g, dtype=cores.dtype)
    for _ in range(2 * _SWEEPS):
        middle = _solved(torch.einsum("iab,ak,bk->ik", cores, left, right), left, right)
        left = _solved(torch.einsum("iab,ik,bk->ak", cores, middle, right), middle, right)
        right = _solved(torch.einsum("iab,ik,ak->bk", cores, middle, left), middle, left)
        # The scale of a component may wander between its factors: hold two of them at 1.
        for side in (left, right):
            size = side.norm(dim=0).clamp(min=1e-12)
            side /= size
            middle *= size
    return Factors(left, _solved(torch.einsum("iab,ak,bk->ik", cores, left, right), left, right), right)


def joint_dense(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Dense S_i, kept whole or in factors, whichever is smaller."""
    return _joint(loras, budget, dense, lambda k, rank: min(k * k, 2 * min(rank, k) * k))


def joint_diagonal(loras: Sequence[LoRA], budget: int) -> tuple[Approximation, int]:
    """Diagonal S_i: k numbers."""
    return _joint(loras, budget, diagonal, lambda k, _: k)


def _joint(
    loras: Sequence[LoRA],
    budget: int,
    solve: Callable[[Tensor, int], Factors],
    numbers: Callable[[int, int], int],
) -> tuple[Approximation, int]:
    sizes = norms(loras)
    forms: dict[ModulePath, dict[str, CanonicalLayer]] = {}
    frames: dict[ModulePath, SharedFrames] = {}
    for path in modules(loras):
        forms[path] = {lora.name: canonical(lora.layers[path]) for lora in loras if path in lora.layers}
        frames[path] = hosvd(list(forms[path].values()), [1 / sizes[name] for name in forms[path]])

    def used(k: int) -> int:
        shared = sum(k * (one.out.shape[0] + one.into.shape[0]) for one in frames.values())
        return 2 * (shared + sum(numbers(k, x.s.shape[0]) for own in forms.values() for x in own.values()))

    k = max((k for k in range(1, _most(loras)) if used(k) <= budget), default=1)
    made: Approximation = {lora.name: {} for lora in loras}
    for path, own in forms.items():
        out, into = frames[path].out, frames[path].into
        cores = torch.stack([(out.mT @ x.p * (x.s / sizes[n])) @ (x.q.mT @ into) for n, x in own.items()])
        found = solve(cores.double(), k)
        for number, name in enumerate(own):
            core = (found.core(number) * sizes[name]).float()
            made[name][path] = LoRALayer(out @ core, into.mT)
    return made, used(k)


def _most(loras: Sequence[LoRA]) -> int:
    """More columns than any budget below the whole can buy."""
    numbers = [sum(x.up.shape[0] + x.down.shape[1] for x in lora.layers.values()) for lora in loras]
    return 2 + whole_bytes(loras) // (2 * min(numbers))


def _leading(stack: Tensor, k: int) -> Tensor:
    """Leading eigenvectors of sum_i X_i X_i^T."""
    return torch.linalg.eigh((stack @ stack.mT).sum(0))[1].flip(1)[:, :k]


def _solved(target: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """argmin over F of ||tensor - [F, one, other]||: the normal equations, with a ridge that only breaks ties."""
    gram = (one.mT @ one) * (other.mT @ other)
    ridge = (_RIDGE * gram.diagonal().mean()).clamp(min=1e-30)
    gram = gram + ridge * torch.eye(gram.shape[0], dtype=gram.dtype)
    return torch.linalg.solve(gram, target.mT).mT
