"""What an adapter of this kind is made of, as peft keeps it in adapter_config.json."""

from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from peft import PeftConfig
from torch import Tensor

from eigenlorax.module_path import Component
from eigenlorax.peft_tuner.columns import AdapterError
from eigenlorax.peft_tuner.member import EIGENLORAX
from eigenlorax.subspace.subspace import Subspace

Basis = str | Path | list[str] | Mapping[str, Tensor] | Subspace
"""Where frozen columns come from; `EigenLoRAxConfig` tells of each."""


@dataclass
class EigenLoRAxConfig(PeftConfig):  # type: ignore[misc]
    """Configuration of an EigenLoRAx adapter: dW = alpha * U M V^T, of which only M learns.

    Attributes:
        basis: Where U and V come from: a subspace of the studio (an object, or the path of its folder, of a
            bundle or of a data folder), folders of saved LoRAs whose leading directions are taken, a state
            dict of `<module>.out` (out, k_out) and `<module>.into` (in, k_in), or a file of `save_basis`.
            Not needed where the saved adapter brings its columns, or the model has them already.
        r: Most columns on each side; None takes all. Of a subspace that is named by its place, so many in
            every module: its own first, then its styles' leading directions, as when the studio teaches.
        component: Which part of SDXL the model is ("unet", "text_encoder", "text_encoder_2"), for a subspace.
        target_modules: Names or a pattern, as in any method of peft; by default every linear layer and
            convolution that the basis has columns for.
        exclude_modules: Names or a pattern of modules to leave out.
        modules_to_save: Further modules that learn as a whole and are saved.
        layers_to_transform: Indices of layers, where not all of them.
        layers_pattern: What the list of layers is called, where its name is unusual.
        eigenlorax_alpha: Factor on the update; 1.0 is as it is.
        eigenlorax_dropout: Share of an input's numbers left out in training, in [0, 1).
        save_basis: Whether a saved adapter brings its columns; else it names them by their hash.
        basis_hash: SHA-256 of the columns; filled in.
        sizes: Module -> (k_out, k_in, private ranks of a style); filled in.
    """

    basis: Any = field(default=None, metadata={"help": "Where the frozen columns come from."})
    r: int | None = field(default=None, metadata={"help": "Most columns on each side; None takes all."})
    component: str = field(default="unet", metadata={"help": "Which part of SDXL the model is."})
    target_modules: list[str] | set[str] | str | None = field(
        default=None, metadata={"help": "Names or a pattern; by default all that the basis has columns for."}
    )
    exclude_modules: list[str] | set[str] | str | None = field(
        default=None, metadata={"help": "Names or a pattern of modules to leave out."}
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Further modules that learn as a whole and are saved."}
    )
    layers_to_transform: list[int] | int | None = field(
        default=None, metadata={"help": "Indices of layers, where not all of them."}
    )
    layers_pattern: list[str] | str | None = field(
        default=None, metadata={"help": "What the list of layers is called."}
    )
    eigenlorax_alpha: float = field(default=1.0, metadata={"help": "Factor on the update."})
    eigenlorax_dropout: float = field(default=0.0, metadata={"help": "Share of inputs left out in training."})
    save_basis: bool = field(default=True, metadata={"help": "Whether a saved adapter brings its columns."})
    basis_hash: str = field(default="", metadata={"help": "SHA-256 of the columns; filled in."})
    sizes: dict[str, list[int]] | None = field(
        default=None, metadata={"help": "Module -> columns out, columns in, private ranks; filled in."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = EIGENLORAX
        #: The hash that its columns must have, where it was read from a file.
        self.promised = self.basis_hash
        if isinstance(self.basis, Path):
            self.basis = str(self.basis)
        for name in ("target_modules", "exclude_modules"):
            value = getattr(self, name)
            setattr(self, name, set(value) if isinstance(value, (list, tuple)) else value)
        if self.r is not None and self.r < 1:
            raise AdapterError(f"r is {self.r}: choose at least one column, or None for all")
        if not 0.0 <= self.eigenlorax_dropout < 1.0:
            raise AdapterError(f"eigenlorax_dropout is {self.eigenlorax_dropout}: choose from 0 to below 1")
        if self.component not in list(Component):
            raise AdapterError(f"component is {self.component!r}: choose {', '.join(Component)}")
        if self.layers_pattern and self.layers_to_transform is None:
            raise AdapterError("layers_pattern is of use with layers_to_transform only: give both")

    def to_dict(self) -> dict[str, Any]:
        """As it is saved: of the basis its place, if it has one that a file can name."""
        named = isinstance(self.basis, str) or (
            isinstance(self.basis, list) and all(isinstance(one, str) for one in self.basis)
        )
        shown = copy(self)
        shown.basis = self.basis if named else None
        return {k: sorted(v) if isinstance(v, set) else v for k, v in asdict(shown).items()}

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str, subfolder: str | None = None, **kwargs: Any
    ) -> "EigenLoRAxConfig":
        """As peft does; a basis named by a relative path may lie beside the adapter."""
        config: EigenLoRAxConfig = super().from_pretrained(pretrained_model_name_or_path, subfolder, **kwargs)
        if isinstance(config.basis, str) and not Path(config.basis).exists():
            beside = Path(pretrained_model_name_or_path, subfolder or "", config.basis)
            if beside.exists():
                config.basis = str(beside)
        return config
