"""EigenLoRAx Studio: a collection of SDXL LoRAs as one shared principal subspace (arXiv:2502.04700)."""

__version__ = "0.1.0"
