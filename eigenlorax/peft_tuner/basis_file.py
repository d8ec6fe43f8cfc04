"""Frozen columns in a file of their own, which many adapters can refer to by its hash."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from eigenlorax.formats.header import read_header
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.peft_tuner.columns import INTO, OUT, AdapterError, Columns, columns_of_tensors, hash_of
from eigenlorax.peft_tuner.layers import worn_columns

KIND = "eigenlorax.basis"


def save_basis(model: nn.Module, path: str | Path, adapter_name: str = "default") -> str:
    """Write an adapter's frozen columns.

    Args:
        model: A model with the adapter.
        path: The .safetensors file; it appears whole or not at all.
        adapter_name: Whose columns.

    Returns:
        Their hash, as it stands in the configuration of each adapter that needs them.

    Raises:
        AdapterError: there is no such adapter.
        NotWrittenError: the disk refused.
    """
    columns = worn_columns(model, adapter_name)
    if not columns:
        raise AdapterError(f"the model has no EigenLoRAx adapter named {adapter_name}")
    digest = hash_of(columns)
    tensors = {}
    for name, pair in columns.items():
        if any(pair.size):
            tensors[name + OUT], tensors[name + INTO] = pair.out.contiguous(), pair.into.contiguous()
    with told(Path(path)), written_aside(Path(path)) as aside:
        save_tensors(tensors, aside, {"format": KIND, "version": "1", "hash": digest})
    return digest


def load_basis(path: Path) -> dict[str, Columns]:
    """Read columns that `save_basis` wrote.

    Raises:
        InvalidFileError: no whole safetensors file.
        AdapterError: its numbers are not those of its hash.
    """
    header = read_header(path)
    columns = columns_of_tensors(load_file(path))
    if hash_of(columns) != header.metadata.get("hash"):
        raise AdapterError(f"{path.name} is damaged: its columns do not match its hash; save the basis again")
    return columns


def is_basis(path: Path) -> bool:
    """Whether a file says of itself that it holds columns.

    Raises:
        InvalidFileError: no whole safetensors file.
    """
    return read_header(path).metadata.get("format") == KIND
