"""EigenLoRAx as a method of peft: frozen shared columns, and one small core per module that learns.

Importing this registers it: peft's `get_peft_model`, `PeftModel` and `PeftConfig` then know it by its name.
"""

from peft.utils import register_peft_method

from eigenlorax.peft_tuner.basis_file import save_basis
from eigenlorax.peft_tuner.columns import AdapterError
from eigenlorax.peft_tuner.config import EigenLoRAxConfig
from eigenlorax.peft_tuner.layers import Conv2d, EigenLoRAxLayer, Linear
from eigenlorax.peft_tuner.member import NAME, PREFIX
from eigenlorax.peft_tuner.model import EigenLoRAxModel
from eigenlorax.peft_tuner.styles import style_from_peft, style_to_peft

__all__ = [
    "AdapterError",
    "Conv2d",
    "EigenLoRAxConfig",
    "EigenLoRAxLayer",
    "EigenLoRAxModel",
    "Linear",
    "save_basis",
    "style_from_peft",
    "style_to_peft",
]

register_peft_method(name=NAME, config_cls=EigenLoRAxConfig, model_cls=EigenLoRAxModel, prefix=PREFIX)
