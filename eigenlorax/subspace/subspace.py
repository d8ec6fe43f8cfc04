"""The value that a collection is compressed into: one basis per module, immutable, named by a hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from eigenlorax.module_path import ModulePath
from eigenlorax.subspace.basis import Basis
from eigenlorax.subspace.fingerprint import Fingerprint
from eigenlorax.subspace.numbers import Numbers, parts, raw


@dataclass(frozen=True)
class Subspace:
    """Shared bases for all styles of a collection.

    Attributes:
        bases: Module -> basis, in a fixed order that style files rely on.
        layout: Hash of the base model's layout that the bases fit.
        sources: LoRA name -> SHA-256 of its file, for every LoRA the bases were fitted to.
        retain: Mean over the LoRAs of the share of squared norm that cores and residuals keep.
        base: What it was made for; None in files of format 1.
        excluded: LoRA name -> why the bases were fitted without it, in words for the user.
    """

    bases: Mapping[ModulePath, Basis]
    layout: str
    sources: Mapping[str, str]
    retain: float
    base: Fingerprint | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over module names and the bases as stored: what a style names its home by."""
        digest = hashlib.sha256(self.layout.encode())
        for path, basis in self.bases.items():
            digest.update(str(path).encode())
            if basis.numbers is not Numbers.FP16:
                # Said even of a basis without columns: styles keep their private ranks by it.
                digest.update(basis.numbers.encode())
            for side in (basis.stored_out, basis.stored_into):
                digest.update(str(tuple(side.shape)).encode())
                for part in parts(side):
                    digest.update(raw(part))
        return digest.hexdigest()

    def ready(self) -> "Subspace":
        """This subspace with its bases orthonormalised now: the first switch is then as quick as the next."""
        for basis in self.bases.values():
            basis.out, basis.into  # noqa: B018 - cached on first use
        return self
