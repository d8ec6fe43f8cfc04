"""Layers that add dW x = alpha * U M V^T x to what they wrap; of all numbers only M learns."""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.tuners_utils import BaseTunerLayer, check_adapters_to_merge
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from transformers.pytorch_utils import Conv1D

from eigenlorax.peft_tuner.columns import AdapterError, Columns
from eigenlorax.peft_tuner.config import EigenLoRAxConfig

_BUFFERS = ("eigenlorax_out", "eigenlorax_into", "eigenlorax_up", "eigenlorax_down")


class EigenLoRAxLayer(BaseTunerLayer):  # type: ignore[misc]
    """The adapters of one module: cores that learn, columns and a style's private ranks that do not.

    Attributes:
        eigenlorax_core: Adapter -> M, (k_out, k_in), float32; zeros at first, so that nothing changes.
        eigenlorax_out: Adapter -> U, (out, k_out).
        eigenlorax_into: Adapter -> V, (in, k_in).
        eigenlorax_up: Adapter -> private columns of a style, (out, rank), where it has any.
        eigenlorax_down: Adapter -> private rows, (rank, in).
        scaling: Adapter -> factor on the update.
    """

    adapter_layer_names = ("eigenlorax_core",)
    other_param_names = (*_BUFFERS, "eigenlorax_dropout", "alpha", "scaling")

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.eigenlorax_core = nn.ParameterDict()
        self.eigenlorax_out = BufferDict(persistent=True)
        self.eigenlorax_into = BufferDict(persistent=True)
        self.eigenlorax_up = BufferDict(persistent=True)
        self.eigenlorax_down = BufferDict(persistent=True)
        self.eigenlorax_dropout = nn.ModuleDict()
        self.alpha: dict[str, float] = {}
        self.scaling: dict[str, float] = {}
        self.merged_adapters: list[str] = []
        self._disable_adapters = False
        self._pristine: Tensor | None = None

    @property
    def wrapped(self) -> Any:
        """The model's own module, whatever else is around it."""
        return self.get_base_layer()

    def update_layer(
        self, adapter_name: str, columns: Columns, private: int, config: EigenLoRAxConfig
    ) -> None:
        """Add an adapter; one with the very columns of another shares them in memory.

        Args:
            adapter_name: Unique.
            columns: Of this module's shape.
            private: How many private ranks there is to be room for.
            config: Its scaling and dropout.
        """
        shared, device = self._shared(columns), self.wrapped.weight.device
        rows, inputs = columns.out.shape[0], columns.into.shape[0]
        # Laid out as a file has them: products round by how their factors lie.
        self.eigenlorax_out[adapter_name] = shared.out.to(device).contiguous()
        self.eigenlorax_into[adapter_name] = shared.into.to(device).contiguous()
        self.eigenlorax_core[adapter_name] = nn.Parameter(torch.zeros(*shared.size, device=device))
        if private:
            self.eigenlorax_up[adapter_name] = torch.zeros(rows, private, device=device)
            self.eigenlorax_down[adapter_name] = torch.zeros(private, inputs, device=device)
        self.alpha[adapter_name] = self.scaling[adapter_name] = config.eigenlorax_alpha
        self.eigenlorax_dropout[adapter_name] = nn.Dropout(config.eigenlorax_dropout)

    def set_scale(self, adapter: str, scale: float) -> None:
        """Let an adapter act at `scale` times its alpha."""
        if adapter in self.scaling:
            self.scaling[adapter] = scale * self.alpha[adapter]

    def scale_layer(self, scale: float) -> None:
        """Multiply the strength of the active adapters."""
        for name in self.active_adapters:
            if name in self.scaling:
                self.scaling[name] *= scale

    def unscale_layer(self, scale: float | None = None) -> None:
        """Undo `scale_layer`; without a number, back to alpha."""
        for name in self.active_adapters:
            if name in self.scaling:
                self.scaling[name] = self.alpha[name] if scale is None else self.scaling[name] / scale

    def get_delta_weight(self, adapter: str) -> Tensor:
        """The update as the module's weight has it, float32 unless all of the adapter is in less."""
        out, into = self.eigenlorax_out[adapter], self.eigenlorax_into[adapter]
        delta = out @ self.eigenlorax_core[adapter].to(out.dtype) @ into.mT
        if adapter in self.eigenlorax_up:
            delta = delta + self.eigenlorax_up[adapter] @ self.eigenlorax_down[adapter]
        delta = delta * self.scaling[adapter]
        base = self.wrapped
        return delta.mT if isinstance(base, Conv1D) else delta.reshape(base.weight.shape)

    @torch.no_grad()
    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add adapters to the module's weight, summed in float32 and cast once for each.

        Args:
            safe_merge: Refuse a result that is not finite.
            adapter_names: Which; by default the active ones.
        """
        for name in check_adapters_to_merge(self, adapter_names):
            if name not in self.eigenlorax_core:
                continue
            weight = self.get_base_weight()
            merged = (weight.float() + self.get_delta_weight(name).float()).to(weight.dtype)
            if safe_merge and not torch.isfinite(merged).all():
                raise AdapterError(f"merging {name} gives numbers that are not finite: it seems to be broken")
            if self._pristine is None:
                self._pristine = weight
            self.set_base_weight(merged)
            self.merged_adapters.append(name)

    def unmerge(self) -> None:
        """Put the module's own weight back, bit for bit."""
        if self._pristine is not None:
            weight = self.get_base_weight()
            self.set_base_weight(self._pristine.to(weight.device, weight.dtype))
        self._pristine = None
        self.merged_adapters.clear()

    def supports_lora_conversion(self, adapter_name: str = "default") -> bool:  # noqa: ARG002 - peft's
        """An update that is added can become a LoRA."""
        return True

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The wrapped module's output with what the active adapters add."""
        if self.disable_adapters and self.merged:
            self.unmerge()
        result: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged:
            return result
        dtype = result.dtype
        for name in self.active_adapters:
            if name in self.eigenlorax_core:
                result = result + self._added(name, x)
        return result.to(dtype)

    def _added(self, name: str, x: Tensor) -> Tensor | float:
        """What an adapter adds, in the number format of its columns."""
        out, into = self.eigenlorax_out[name], self.eigenlorax_into[name]
        x = self.eigenlorax_dropout[name](self._cast_input_dtype(x, out.dtype))
        core, added = self.eigenlorax_core[name], []
        if core.numel():
            added.append(self._written(self._written(self._seen(x, into.mT), core.to(out.dtype)), out))
        if name in self.eigenlorax_up:
            seen = self._seen(x, self.eigenlorax_down[name])
            added.append(self._written(seen, self.eigenlorax_up[name]))
        return self.scaling[name] * sum(added)

    def __repr__(self) -> str:
        return f"eigenlorax.{super().__repr__()}"

    @abstractmethod
    def _seen(self, x: Tensor, rows: Float[Tensor, "ranks into"]) -> Tensor:
        """The input through each row, as the module would."""

    @abstractmethod
    def _written(self, seen: Tensor, columns: Float[Tensor, "out ranks"]) -> Tensor:
        """The sum of columns, each as strong as what was seen."""

    def _shared(self, columns: Columns) -> Columns:
        """The same columns as another adapter holds them, if one does; room to be filled is nobody else's."""
        for name in self.eigenlorax_out if columns.out.any() else ():
            out, into = self.eigenlorax_out[name], self.eigenlorax_into[name]
            there = Columns(columns.out.to(out), columns.into.to(into))
            if torch.equal(there.out, out) and torch.equal(there.into, into):
                return Columns(out, into)
        return columns

    def _move_adapter_to_device_of_base_layer(
        self, adapter_name: str, device: torch.device | None = None
    ) -> None:
        """Move an adapter; its number format stays, for columns in half precision are not orthonormal."""
        self.convert(adapter_name, self.wrapped.weight.device if device is None else device, None)

    def convert(self, adapter_name: str, device: torch.device | None, dtype: torch.dtype | None) -> None:
        """Move an adapter to a device and a number format; None leaves one as it is."""
        for place in (*self.adapter_layer_names, *_BUFFERS):
            held = getattr(self, place)
            if adapter_name not in held or held[adapter_name].device.type == "meta":
                continue
            before = held[adapter_name]
            after = before.detach().to(device=device, dtype=dtype)
            if isinstance(before, nn.Parameter):
                after = nn.Parameter(after, requires_grad=before.requires_grad)
            held[adapter_name] = after


class Linear(EigenLoRAxLayer, nn.Module):
    """Around nn.Linear, or the Conv1D of GPT-2, whose weight is the transpose."""

    def _seen(self, x: Tensor, rows: Tensor) -> Tensor:
        return functional.linear(x, rows)

    def _written(self, seen: Tensor, columns: Tensor) -> Tensor:
        return functional.linear(seen, columns)


class Conv2d(EigenLoRAxLayer, nn.Module):
    """Around nn.Conv2d: V^T is a convolution with the module's own kernel, U one of a single pixel."""

    def _seen(self, x: Tensor, rows: Tensor) -> Tensor:
        base: nn.Conv2d = self.wrapped
        kernels = rows.reshape(rows.shape[0], base.in_channels, *base.kernel_size)
        return functional.conv2d(x, kernels, None, base.stride, base.padding, base.dilation)

    def _written(self, seen: Tensor, columns: Tensor) -> Tensor:
        return functional.conv2d(seen, columns[:, :, None, None])


def matrix_shape(module: nn.Module) -> tuple[int, int]:
    """(out, in) of a module's weight as a matrix; a kernel is flattened in."""
    rows, columns = module.get_parameter("weight").flatten(1).shape
    return (columns, rows) if isinstance(module, Conv1D) else (rows, columns)


def layer_for(module: nn.Module) -> type[Linear] | type[Conv2d] | None:
    """The layer that wraps a module; None where there is none: quantised weights, grouped kernels."""
    if isinstance(module, nn.Conv2d):
        return Conv2d if module.groups == 1 and module.padding_mode == "zeros" else None
    # nn.MultiheadAttention never calls its projection, but reads the weight.
    if not isinstance(module, (nn.Linear, Conv1D)) or isinstance(module, NonDynamicallyQuantizableLinear):
        return None
    return Linear if module.weight.dim() == 2 and module.weight.is_floating_point() else None


def can_wear(module: nn.Module) -> bool:
    """Whether an adapter can be put on a module, or is on it."""
    return isinstance(module, EigenLoRAxLayer) or layer_for(module) is not None


def worn_columns(model: nn.Module, adapter_name: str) -> dict[str, Columns]:
    """The columns of an adapter that is in a model, by module name; empty where there is none."""
    found = {}
    for key, layer in model.named_modules():
        if isinstance(layer, EigenLoRAxLayer) and adapter_name in layer.eigenlorax_out:
            name = key.removeprefix("base_model.model.")
            found[name] = Columns(layer.eigenlorax_out[adapter_name], layer.eigenlorax_into[adapter_name])
    return found
