"""Which LoRAs are trained and as what kind of file: rank, alpha, modules, text encoders, spelling, seed."""

from dataclasses import dataclass
from typing import Literal

Modules = Literal["attention", "attention+ff", "attention+ff+proj", "self-attention+ff"]
Dialect = Literal["kohya-sgm", "kohya", "peft", "peft-metadata", "diffusers-old"]

#: The licence under which a vendor's art is used; image-made styles rest on CC-BY art.
LICENCES: dict[str, str] = {
    "fluent-3d": "MIT",
    "fluent-emoji-flat": "MIT",
    "fluent-emoji-high-contrast": "MIT",
    "noto-mono-300": "OFL-1.1",
    "noto-mono-700": "OFL-1.1",
}


@dataclass(frozen=True)
class Spec:
    """One LoRA: `look` names the image-made style or the picture set it learns."""

    name: str
    look: str
    vendor: bool
    rank: int
    alpha: float
    modules: Modules
    text: bool
    dialect: Dialect
    seed: int
    shared_seed: bool = False

    @property
    def trigger(self) -> str:
        """The words that go into every caption of this style."""
        return f"{self.look.removeprefix('p-').replace('-', ' ')} style"

    @property
    def scale(self) -> float:
        """alpha / rank."""
        return self.alpha / self.rank

    @property
    def licence(self) -> str:
        """Licence of the file."""
        return LICENCES.get(self.look, "CC-BY-4.0")


_TABLE: tuple[tuple[str, int, float, Modules, bool, Dialect], ...] = (
    ("anaglyph", 4, 4, "self-attention+ff", False, "kohya"),
    ("blueprint", 8, 4, "self-attention+ff", False, "kohya-sgm"),
    ("bricks", 4, 4, "attention+ff", False, "peft"),
    ("chalk", 4, 8, "attention+ff", True, "kohya-sgm"),
    ("clay", 8, 8, "attention+ff", False, "peft-metadata"),
    ("comic", 16, 8, "self-attention+ff", False, "kohya-sgm"),
    ("cross-stitch", 8, 8, "attention+ff", False, "kohya"),
    ("crt", 4, 1, "attention+ff", False, "kohya-sgm"),
    ("engraving", 4, 2, "self-attention+ff", False, "kohya"),
    ("frost", 4, 4, "attention+ff", False, "diffusers-old"),
    ("gold-foil", 4, 4, "attention+ff", True, "peft"),
    ("halftone", 4, 4, "attention+ff+proj", False, "kohya-sgm"),
    ("ink-wash", 8, 16, "self-attention+ff", False, "peft-metadata"),
    ("marker", 4, 4, "attention+ff", False, "peft"),
    ("neon", 16, 16, "self-attention+ff", False, "kohya"),
    ("oil", 4, 2, "attention+ff", False, "kohya-sgm"),
    ("papercut", 4, 4, "attention+ff", False, "diffusers-old"),
    ("pastel", 4, 8, "attention+ff", False, "peft-metadata"),
    ("pencil", 4, 4, "attention+ff", True, "kohya"),
    ("pixel", 16, 16, "attention+ff+proj", False, "kohya-sgm"),
    ("plaster", 4, 4, "attention+ff", False, "peft"),
    ("riso", 8, 4, "attention", False, "kohya"),
    ("scratchboard", 4, 2, "attention+ff", False, "peft-metadata"),
    ("sepia-photo", 4, 4, "self-attention+ff", False, "peft"),
    ("silhouette", 4, 4, "attention+ff", False, "kohya-sgm"),
    ("spray", 4, 4, "self-attention+ff", False, "diffusers-old"),
    ("stamp", 4, 4, "attention+ff", True, "peft-metadata"),
    ("sticker", 4, 4, "self-attention+ff", False, "peft"),
    ("thermal", 4, 8, "self-attention+ff", False, "kohya"),
    ("watercolour", 16, 16, "attention", False, "peft"),
    ("woodcut", 8, 8, "self-attention+ff", False, "peft"),
    ("fluent-3d", 8, 8, "attention+ff", False, "kohya-sgm"),
    ("fluent-emoji-flat", 4, 4, "attention+ff", True, "kohya"),
    ("fluent-emoji-high-contrast", 4, 2, "attention+ff", False, "peft-metadata"),
    ("noto-mono-300", 4, 4, "attention+ff", False, "kohya-sgm"),
    ("noto-mono-700", 4, 4, "attention+ff+proj", False, "peft"),
)
_VENDORS: tuple[str, ...] = tuple(row[0] for row in _TABLE[-5:])

#: Every LoRA of the collection, each with its own seed.
SPECS: tuple[Spec, ...] = tuple(
    Spec(row[0].removeprefix("p-"), row[0], row[0] in _VENDORS, *row[1:], seed=7001 + 137 * place)
    for place, row in enumerate(_TABLE)
)
#: Three more that share one seed on purpose, for tests.
SHARED_SPECS: tuple[Spec, ...] = tuple(
    Spec(f"shared-{look}", look, False, 4, 4, "attention", False, "kohya", seed=1337, shared_seed=True)
    for look in ("chalk", "neon", "sepia-photo")
)
