"""Styles leave the house: as a LoRA in any dialect, or as a merged checkpoint; each read back."""
