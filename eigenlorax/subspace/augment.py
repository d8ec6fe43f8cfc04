"""More columns for a subspace that has too few: orthogonal to its own, from noise, the base or a gradient.

New columns stand behind the old ones. Orthonormalising is nested (column n depends on columns 1 to n alone):
the old ones come out as they were, to a rounding of float32, and zeros behind a core leave its style alone.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from eigenlorax.errors import InvalidRequestError, SubspaceMismatchError
from eigenlorax.lora import LoRALayer
from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis, canonical, empty_basis
from eigenlorax.subspace.fit import FitProgress
from eigenlorax.subspace.grow import numbers_in
from eigenlorax.subspace.kept_cores import padded_cores
from eigenlorax.subspace.numbers import begins_with, beside
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace

#: A column that loses all but this share of its length to the others points nowhere of its own.
_NOWHERE = 1e-5
_SWEEPS = 4
_SPARE = 6

Columns = tuple[Float[Tensor, "out a"], Float[Tensor, "into b"]]
"""New directions for both sides of a module, strongest first; not yet orthogonal to anything."""

Directions = Callable[[ModulePath, Basis, int, int], Columns]
"""(module, its basis, how many out, how many into) -> at most so many new directions."""


def orthogonal_to(
    frame: Float[Tensor, "rows k"], columns: Float[Tensor, "rows n"], count: int
) -> Float[Tensor, "rows found"]:
    """Up to `count` orthonormal columns that span what `columns` add to a frame, in their order.

    Gram-Schmidt, twice: what rounding leaves of the frame after the first time goes with the second. A column
    that lies in the span of the frame and the columns before it is passed over, not replaced by noise.

    Args:
        frame: Orthonormal columns.
        columns: Any; a column of zeros adds nothing.
        count: Most columns to return.

    Source: "twice is enough", Giraud, Langou, Rozloznik, "The loss of orthogonality in the Gram-Schmidt
        orthogonalization process" (2005).
    """
    known = frame.double()
    found: list[Tensor] = []
    for column in columns.double().T:
        if len(found) == count:
            break
        length = float(column.norm())
        for _ in range(2):
            column = column - known @ (known.mT @ column)
        if length > 0.0 and float(column.norm()) > _NOWHERE * length:
            found.append(column / column.norm())
            known = torch.cat([known, found[-1][:, None]], dim=1)
    return torch.stack(found, dim=1).float() if found else frame.new_zeros(frame.shape[0], 0)


def widened(basis: Basis, columns: Columns) -> Basis:
    """A basis with further orthonormal columns behind its own, as they are stored: the old numbers stay.

    Args:
        basis: Of (out, k_out) and (in, k_in).
        columns: Orthonormal and orthogonal to the basis, as `orthogonal_to` makes them.
    """
    out, into = columns
    return Basis(beside(basis.stored_out, out), beside(basis.stored_into, into))


def padded(style: Style, before: Subspace, after: Subspace) -> Style:
    """A style of `before` in a subspace whose bases only have more columns: its cores, with zeros behind.

    Raises:
        SubspaceMismatchError: the style is not of `before`, or `after` does not begin with its columns.
    """
    if style.subspace != before.hash:
        raise SubspaceMismatchError(
            f"{style.name} belongs to subspace {style.subspace[:12]}, not to {before.hash[:12]}"
        )
    for path, basis in before.bases.items():
        grown = after.bases.get(path)
        if (
            grown is None
            or not begins_with(grown.stored_out, basis.stored_out)
            or not begins_with(grown.stored_into, basis.stored_into)
        ):
            raise SubspaceMismatchError(
                f"{path} has other columns in the new version: migrate {style.name} instead"
            )
    cores = padded_cores(style.cores, {path: after.bases[path].core_shape for path in style.cores})
    return replace(style, cores=cores, subspace=after.hash)


def with_floor(
    subspace: Subspace, shapes: Mapping[ModulePath, tuple[int, int]], count: int, directions: Directions
) -> Generator[FitProgress, None, Subspace]:
    """A subspace in which every module has at least `count` columns on both sides, or all it can have.

    Subspaces of LoRAs that share little have hardly any columns, and a style can only be taught in columns.

    Args:
        subspace: Whose columns stay the first ones.
        shapes: Module -> (rows, columns) for modules that must be there; those it lacks are added behind.
        count: Columns per side.
        directions: Where new ones come from; what it cannot give is not given.

    Yields:
        Progress, once per module.

    Raises:
        InvalidRequestError: `count` is not positive.
    """
    if count < 1:
        raise InvalidRequestError(f"a floor of {count} columns adds nothing: choose at least 1")
    bases = dict(subspace.bases)
    numbers = numbers_in(subspace)
    bases |= {path: empty_basis(*shape, numbers) for path, shape in shapes.items() if path not in bases}
    for done, (path, basis) in enumerate(bases.items(), start=1):
        bases[path] = _at_least(path, basis, count, directions)
        yield FitProgress(done, len(bases), path)
    return replace(subspace, bases=bases)


def gaussian(generator: torch.Generator) -> Directions:
    """Random directions: their projections out of the basis are spread evenly over what is left."""

    def draw(_: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        rows, columns = basis.stored_out.shape[0], basis.stored_into.shape[0]
        return (
            torch.randn(rows, out, generator=generator),
            torch.randn(columns, into, generator=generator),
        )

    return draw


def weight_driven(weight: Callable[[ModulePath], Tensor], generator: torch.Generator) -> Directions:
    """The leading singular directions of the base's own weight outside the basis.

    Args:
        weight: Module -> W0 as a float32 (out, in) matrix.
        generator: Starts the search for them.

    Source: a LoRA in the frame of W0's leading singular vectors, LoRA-XS (arXiv:2405.17604).
    """
    return lambda path, basis, out, into: _leading_outside(weight(path), basis, (out, into), generator)


def donor_driven(updates: Callable[[ModulePath], Sequence[LoRALayer]]) -> Directions:
    """The leading directions that a collection's styles have outside the basis: what is there to recycle.

    Args:
        updates: Module -> what each style does to it, at the weight that it is to count with.

    Source: the principal subspace of a collection of adapters, arXiv:2502.04700; two-sided as in `fit`.
    """

    def draw(path: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        forms = [canonical(layer) for layer in updates(path) if layer.rank]
        if not forms:
            return basis.out.new_zeros(basis.out.shape[0], 0), basis.into.new_zeros(basis.into.shape[0], 0)
        left = torch.cat([form.p * form.s for form in forms], dim=1)
        right = torch.cat([form.q * form.s for form in forms], dim=1)
        return _leading(left, basis.out, out), _leading(right, basis.into, into)

    return draw


def gradient_driven(
    gradient: Mapping[ModulePath, Tensor | LoRALayer], generator: torch.Generator
) -> Directions:
    """The leading singular directions of (I - U U^T) G (I - V V^T): where the loss falls fastest outside.

    Args:
        gradient: Module -> G, the gradient by W summed over the images, as an (out, in) matrix or in factors;
            a module without one gets no columns.
        generator: Starts the search for them.
    """

    def draw(path: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        if path not in gradient:
            return basis.out.new_zeros(basis.out.shape[0], 0), basis.into.new_zeros(basis.into.shape[0], 0)
        return _leading_outside(gradient[path], basis, (out, into), generator)

    return draw


def first_of(*sources: Directions) -> Directions:
    """The directions of several sources one after another: the later ones fill up what the first lack."""

    def draw(path: ModulePath, basis: Basis, out: int, into: int) -> Columns:
        drawn = [source(path, basis, out, into) for source in sources]
        return torch.cat([side[0] for side in drawn], dim=1), torch.cat([side[1] for side in drawn], dim=1)

    return draw


def _at_least(path: ModulePath, basis: Basis, count: int, directions: Directions) -> Basis:
    sides = (basis.stored_out.shape, basis.stored_into.shape)
    lack_out, lack_in = (max(min(count, rows) - k, 0) for rows, k in sides)
    if not lack_out and not lack_in:
        return basis
    out, into = directions(path, basis, lack_out, lack_in)
    return widened(basis, (orthogonal_to(basis.out, out, lack_out), orthogonal_to(basis.into, into, lack_in)))


def _leading(columns: Tensor, frame: Tensor, count: int) -> Tensor:
    """The leading left singular vectors of (I - F F^T) X, by the smaller Gram matrix."""
    outside = (columns - frame @ (frame.mT @ columns)).double()
    if outside.shape[0] <= outside.shape[1]:
        values, vectors = torch.linalg.eigh(outside @ outside.mT)
        return vectors.flip(1)[:, :count][:, values.flip(0)[:count] > 0.0].float()
    values, turned = torch.linalg.eigh(outside.mT @ outside)
    kept = values.flip(0)[:count] > 0.0
    vectors = outside @ turned.flip(1)[:, :count][:, kept]
    return (vectors / vectors.norm(dim=0).clamp(min=1e-30)).float()


def _leading_outside(
    matrix: Tensor | LoRALayer, basis: Basis, counts: tuple[int, int], generator: torch.Generator
) -> Columns:
    """The leading singular vectors of (I - U U^T) A (I - V V^T), by a block Krylov space of A A^T.

    The product is never formed: a module of 1280 x 10240 numbers costs a few thin products.

    Source: Musco & Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
        decomposition" (2015).
    """
    left, right = (matrix.up, matrix.down) if isinstance(matrix, LoRALayer) else (None, matrix)

    def forward(x: Tensor) -> Tensor:
        seen = right @ (x - basis.into @ (basis.into.mT @ x))
        seen = seen if left is None else left @ seen
        return seen - basis.out @ (basis.out.mT @ seen)

    def backward(y: Tensor) -> Tensor:
        seen = y - basis.out @ (basis.out.mT @ y)
        seen = right.mT @ (seen if left is None else left.mT @ seen)
        return seen - basis.into @ (basis.into.mT @ seen)

    columns = basis.into.shape[0]
    width = min(max(counts) + _SPARE, columns, basis.out.shape[0])
    block = forward(torch.randn(columns, width, generator=generator))
    krylov = [block]
    for _ in range(_SWEEPS):
        block = forward(backward(torch.linalg.qr(block)[0]))
        krylov.append(block)
    frame = torch.linalg.qr(torch.cat([part / part.norm().clamp(min=1e-30) for part in krylov], dim=1))[0]
    rotated, values, right_t = torch.linalg.svd(backward(frame).mT, full_matrices=False)
    count = int((values > values[:1] * _NOWHERE).sum())
    return frame @ rotated[:, : min(counts[0], count)], right_t[: min(counts[1], count)].mT
