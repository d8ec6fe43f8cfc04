"""The part of A1111's interface that other programs use, by its names.

Source: AUTOMATIC1111/stable-diffusion-webui, modules/api/api.py and models.py, for paths, names and shapes.
"""
