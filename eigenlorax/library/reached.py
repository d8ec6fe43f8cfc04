"""How far learning has come, on disk: a crash costs the steps since the last measurement."""

import json
from pathlib import Path

from safetensors import safe_open

from eigenlorax.errors import InvalidFileError
from eigenlorax.formats.tensors import save_tensors
from eigenlorax.library.atomic import told, written_aside
from eigenlorax.library.kinds import believed, checked_header
from eigenlorax.training.descent import Reached

_KIND = "eigenlorax.reached"
_LISTS = ("best", "now", "moments", "earlier")


def save_reached(reached: Reached, path: Path) -> None:
    """Write the state in place of an earlier one, whole or not at all.

    Raises:
        NotWrittenError: the disk refused.
    """
    tensors = {
        f"{name}.{place}": tensor.detach().cpu().contiguous()
        for name in _LISTS
        for place, tensor in enumerate(getattr(reached, name))
    }
    facts = {name: getattr(reached, name) for name in ("step", "distances", "before", "waited", "begun")}
    metadata = {"format": _KIND, "version": "3", "facts": json.dumps(facts)}
    with told(path.parent), written_aside(path) as aside:
        save_tensors(tensors, aside, metadata)


def load_reached(path: Path) -> Reached | None:
    """Inverse of `save_reached`; None when there is no file, or none that can be believed."""
    if not path.is_file():
        return None
    try:
        header = checked_header(path, _KIND)
        with believed(path, "it begins anew"), safe_open(path, framework="pt") as file:
            facts = json.loads(header.metadata["facts"])
            lists = {
                name: tuple(
                    file.get_tensor(f"{name}.{place}")
                    for place in range(sum(key.startswith(f"{name}.") for key in header.tensors))
                )
                for name in _LISTS
            }
            return Reached(
                int(facts["step"]), tuple(facts["distances"]), tuple(facts["before"]),
                waited=int(facts["waited"]), begun=int(facts["begun"]), **lists,
            )  # fmt: skip
    except InvalidFileError:
        return None
