"""Puts adapters into a model and takes their numbers out again, in the way of peft's other methods."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from peft.tuners.tuners_utils import BaseTuner, _maybe_include_all_linear_layers
from torch import Tensor, nn

from eigenlorax.peft_tuner.columns import AdapterError, Columns, hash_of
from eigenlorax.peft_tuner.config import EigenLoRAxConfig
from eigenlorax.peft_tuner.layers import EigenLoRAxLayer, layer_for
from eigenlorax.peft_tuner.member import PREFIX
from eigenlorax.peft_tuner.sources import resolved

_OUT, _INTO = "eigenlorax_out", "eigenlorax_into"
_WITHIN = re.compile(r"\.(base_layer|eigenlorax_\w+)(\.|$)")


class EigenLoRAxModel(BaseTuner):  # type: ignore[misc]
    """A model with adapters of which only the cores learn.

    Args:
        model: Any torch module; its linear layers and convolutions are wrapped in place.
        config: An `EigenLoRAxConfig`, or one by adapter name.
        adapter_name: Of the first adapter.

    Raises:
        AdapterError: the basis is missing, or for another model.

    Source: arXiv:2502.04700 in the two-sided form dW = U M V^T.
    """

    prefix = PREFIX
    tuner_layer_cls = EigenLoRAxLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}
    _columns: Mapping[str, Columns] = MappingProxyType({})
    """Of the adapter that is put in just now."""

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Wrap the modules of an adapter; where its columns do not fit, none is wrapped."""
        config: EigenLoRAxConfig = self.peft_config[adapter_name]
        columns = resolved(config, model, [name for name in self.peft_config if name != adapter_name])
        self._columns = self._chosen(config, model, columns)
        try:
            super().inject_adapter(model, adapter_name, *args, **kwargs)
        finally:
            del self._columns

    def _chosen(
        self, config: EigenLoRAxConfig, model: nn.Module, columns: Mapping[str, Columns]
    ) -> dict[str, Columns]:
        """The columns of the modules that are targeted; the configuration is filled in."""
        private = {key: size[2] for key, size in (config.sizes or {}).items()}
        # peft takes a whole name for the end of others too: those that are meant are known by name.
        meant = set(private) if config.promised else None
        if config.target_modules is None:
            if config.layers_to_transform is not None:
                raise AdapterError("layers_to_transform chooses among target_modules: give both")
            meant = {k for k in columns if all(columns[k].size) or private.get(k)}
            config.target_modules = set(meant)
            if not meant:
                raise AdapterError(
                    "the subspace shares no columns in this model, so there is nothing to learn in: give r, "
                    "the number of columns that are then made of its styles' leading directions"
                )
        _maybe_include_all_linear_layers(config, model)
        names = [key for key, _ in model.named_modules() if key and not _WITHIN.search(key)]
        targets = [key for key in names if self._check_target_module_exists(config, key)]
        targets = [key for key in targets if meant is None or key in meant]
        if bare := [key for key in targets if key not in columns]:
            raise AdapterError(
                f"the basis has no columns for {bare[0]} ({len(bare)} such modules): leave them out of "
                "target_modules, which by default are all that have columns"
            )
        used = {key: columns[key] for key in targets}
        if not config.save_basis and config.promised not in ("", hash_of(used)):
            raise AdapterError(
                f"the basis given is not the one that this adapter was made with ({config.promised[:12]})"
            )
        config.basis_hash = config.promised or hash_of(used)
        config.sizes = {key: [*used[key].size, private.get(key, 0)] for key in targets}
        return used

    def _check_target_module_exists(self, config: EigenLoRAxConfig, key: str) -> Any:
        """As peft matches, but nothing beyond what was chosen, once it is."""
        found = super()._check_target_module_exists(config, key)
        return found if not found or not self._columns else key in self._columns

    def _create_and_replace(
        self,
        peft_config: EigenLoRAxConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **_: object,
    ) -> None:
        sizes = peft_config.sizes or {}
        kind = layer_for(target)
        layer: Any = target if kind is None else kind(target)  # that has one already gets one more
        layer.update_layer(adapter_name, self._columns[current_key], sizes[current_key][2], peft_config)
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _cast_adapter_dtype(self, adapter_name: str, autocast_adapter_dtype: bool = True) -> None:
        """Adapters are made in float32; where that is not wished, they take their module's format."""
        super()._cast_adapter_dtype(adapter_name, autocast_adapter_dtype)
        if not autocast_adapter_dtype:
            for layer in self.model.modules():
                if isinstance(layer, EigenLoRAxLayer):
                    layer.convert(adapter_name, None, layer.wrapped.weight.dtype)

    @classmethod
    def _get_adapter_state_dict(
        cls, model: nn.Module, config: EigenLoRAxConfig, adapter_name: str, *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        """The cores and private ranks, and the columns where they are to be saved too."""
        found: dict[str, Tensor] = super()._get_adapter_state_dict(
            model, config, adapter_name, *args, **kwargs
        )
        if not config.save_basis:
            return {key: value for key, value in found.items() if not _is_column(key)}
        # In half precision they are other numbers than those the adapter was made with.
        config.basis_hash = hash_of(_columns_in(found, f".{adapter_name}"))
        return found

    @classmethod
    def _remap_adapter_state_dict_for_load(
        cls, model: nn.Module, config: EigenLoRAxConfig, adapter_name: str, state_dict: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """As for any method, with the columns checked; those that were not saved are in the model already.

        Raises:
            AdapterError: columns are missing, or their numbers are not those of their hash.
        """
        brought = _columns_in(state_dict, "")
        if brought and config.promised and hash_of(brought) != config.promised:
            raise AdapterError("the adapter is damaged: its columns do not match their hash; save it again")
        if config.save_basis and config.sizes and len(brought) < len(config.sizes):
            raise AdapterError(
                f"the adapter brings columns for {len(brought)} of {len(config.sizes)} modules: it is damaged"
            )
        mapped: dict[str, Tensor] = super()._remap_adapter_state_dict_for_load(
            model, config, adapter_name, state_dict
        )
        there = {
            k: v for k, v in model.state_dict().items() if _is_column(k) and k.endswith(f".{adapter_name}")
        }
        return {**there, **mapped}


def _is_column(key: str) -> bool:
    return f".{_OUT}" in key or f".{_INTO}" in key


def _columns_in(state_dict: Mapping[str, Tensor], ending: str) -> dict[str, Columns]:
    """The columns of a state dict by module name; of pairs only, for a core alone is no column."""
    outs = {key: value for key, value in state_dict.items() if key.endswith(f".{_OUT}{ending}")}
    found = {}
    for key, out in outs.items():
        name = key.removesuffix(f".{_OUT}{ending}")
        into = state_dict.get(f"{name}.{_INTO}{ending}")
        if into is not None:
            found[name.removeprefix("base_model.model.")] = Columns(out, into)
    return found
