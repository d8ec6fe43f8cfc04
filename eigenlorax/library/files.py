"""The files of the library: `subspace_file`, `style_file`, and how both pack numbers in `packing`."""

from eigenlorax.library.style_file import load_style, save_style, style_paths
from eigenlorax.library.subspace_file import load_subspace, save_subspace
from eigenlorax.subspace.style import moved

__all__ = ["load_style", "load_subspace", "moved", "save_style", "save_subspace", "style_paths"]
