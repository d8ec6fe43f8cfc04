"""Prompts before they are drawn: wildcards and choices filled in, presets kept and read."""
