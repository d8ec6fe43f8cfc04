"""What parsers need besides the file: a tiny base model, a subspace and styles; and the good files themselves."""

import base64
import json
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from eigenlorax.jobs.database import Database
from eigenlorax.jobs.job import State
from eigenlorax.jobs.store import JobStore
from eigenlorax.library.bundle import save_bundle
from eigenlorax.library.card_content import CardKind
from eigenlorax.library.reached import save_reached
from eigenlorax.library.style_card import pack_card, save_card
from eigenlorax.library.style_file import save_style
from eigenlorax.library.subspace_file import save_subspace
from eigenlorax.module_path import ModuleShape
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.numbers import Numbers
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from eigenlorax.training.descent import Reached
from tests.subspace import small

FIXTURES = Path(__file__).parent.parent / "fixtures"
HEADER_WORDS = {
    "modelspec.title": "glow", "modelspec.trigger_phrase": "glowing, warm", "ss_network_dim": "2",
    "modelspec.lora_default_weight": "0.8", "modelspec.tags": "light, style", "ss_resolution": "(1024, 1024)",
    "ss_tag_frequency": json.dumps({"10_glow": {"glow": 12, "warm light": 3}}), "ss_network_alpha": "1.0",
    "modelspec.prediction_type": "epsilon", "sshs_model_hash": "ab" * 32, "modelspec.license": "CC0",
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What every case of a run stands on.

    Attributes:
        base: The tiny model; none of it is changed.
        scratch: A folder for the making of good files.
    """

    base: BaseModel
    scratch: Path
    _made: dict[str, Sequence[bytes]] = field(default_factory=dict)

    @cached_property
    def styled(self) -> tuple[Subspace, dict[str, Style]]:
        """A subspace of two modules in int8, and styles with shared columns and with ranks of their own."""
        loras = [*small.family("abc"), small.stranger("own", 8)]
        subspace, styles = small.fitted(loras, 0.9, Numbers.INT8)
        notes = {"from": "8 pictures"}
        return subspace, {name: replace(style, notes=notes) for name, style in styles.items()}

    def prepare(self) -> None:
        """Make what parsers ask for while they read: before they are watched."""
        for kind in ("loras", "embeddings", "subspaces"):
            self.made(kind)

    def made(self, kind: str) -> Sequence[bytes]:
        """The good files of one of the methods below, made once."""
        return self.made_for(kind, getattr(type(self), kind))

    def made_for(self, name: str, make: Callable[["Ground"], Sequence[bytes]]) -> Sequence[bytes]:
        """Good files of a name, made once."""
        if name not in self._made:
            self._made[name] = make(self)
        return self._made[name]

    def loras(self) -> list[bytes]:
        """Every algorithm on a few modules, and the words that trainers leave in a header."""
        words = {**HEADER_WORDS, "modelspec.thumbnail": _data_url()}
        settings = {"r": 2, "lora_alpha": 4, "alpha_pattern": {"attn1.to_q": 2}, "use_rslora": False}
        return [
            save(self._plain(), words),
            save(self._lycoris(), {"ss_network_args": json.dumps({"algo": "lokr"})}),
            save(self._peft(), {"lora_adapter_metadata": json.dumps(settings)}),
        ]

    def _plain(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for stem, shape in self._modules(4):
            tensors[f"{stem}.lora_down.weight"] = _drawn(2, shape.in_features)
            tensors[f"{stem}.lora_up.weight"] = _drawn(shape.out_features, 2)
            tensors[f"{stem}.alpha"] = torch.tensor(1.0)
        return tensors

    def _lycoris(self) -> dict[str, Tensor]:
        names = iter(self._modules(8))
        tensors: dict[str, Tensor] = {}

        def put(**parts: tuple[int, ...]) -> None:
            for part, shape in parts.items():
                tensors[f"{stem}.{part.replace('__', '.')}"] = _drawn(*shape)

        stem, shape = next(names)
        rows, columns = shape.out_features, shape.in_features
        put(
            hada_w1_a=(rows, 2), hada_w1_b=(2, columns), hada_w2_a=(rows, 2), hada_w2_b=(2, columns), alpha=()
        )
        stem, shape = next(names)
        rows, columns = shape.out_features, shape.in_features
        put(lokr_w1=(2, 2), lokr_w2_a=(rows // 2, 2), lokr_w2_b=(2, columns // 2), alpha=())
        stem, shape = next(names)
        rows, columns = shape.out_features, shape.in_features
        put(
            a1__weight=(2, columns),
            a2__weight=(columns, 2),
            b1__weight=(2, columns),
            b2__weight=(rows, 2),
            alpha=(),
        )
        stem, shape = next(names)
        put(oft_blocks=(2, shape.out_features // 2, shape.out_features // 2), alpha=())
        stem, shape = next(names)
        put(diff=(shape.out_features, shape.in_features))
        stem, shape = next(names)
        rows, columns = shape.out_features, shape.in_features
        put(lora_down__weight=(2, columns), lora_up__weight=(rows, 2), dora_scale=(rows, 1), alpha=())
        return tensors

    def _peft(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for path, shape in self._linear(4):
            tensors[f"unet.{path}.lora_A.weight"] = _drawn(2, shape.in_features)
            tensors[f"unet.{path}.lora_B.weight"] = _drawn(shape.out_features, 2)
        return tensors

    def _linear(self, count: int) -> list[tuple[str, ModuleShape]]:
        found = [
            (path.name, shape)
            for path, shape in self.base.layout.items()
            if path.component.value == "unet" and "attn" in path.name and not shape.is_vector
        ]
        return found[:count]

    def _modules(self, count: int) -> list[tuple[str, ModuleShape]]:
        return [(f"lora_unet_{name.replace('.', '_')}", shape) for name, shape in self._linear(count)]

    def embeddings(self) -> list[bytes]:
        """A file of one embedding, and one that brings its own word."""
        vectors = {"clip_l": _drawn(2, 16), "clip_g": _drawn(2, 24)}
        return [
            save(vectors, {}),
            save({f"bundle_emb.glow.{name}": rows for name, rows in vectors.items()}, {}),
        ]

    def zips(self) -> list[bytes]:
        """Packed by each method, with folders, sidecars, a pickle, and what systems put beside."""
        return [self._zip(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)]

    def _zip(self, method: int) -> bytes:
        packed, lora = BytesIO(), self.loras()[0]
        with zipfile.ZipFile(packed, "w", method) as archive:
            archive.writestr("in/glow.safetensors", lora)
            archive.writestr("in/glow.json", json.dumps({"activation text": "glow"}))
            archive.writestr("in/glow.png", picture("PNG"))
            archive.writestr("old.ckpt", b"\x80\x04K\x01.")
            archive.writestr("__MACOSX/._glow", b"x")
        return packed.getvalue()

    def cards(self) -> list[bytes]:
        """A light card and a whole one."""
        subspace, styles = self.styled
        made = []
        for kind in CardKind:
            path = self.scratch / f"{kind}.png"
            save_card(
                pack_card(styles["own"], subspace, kind), Image.new("RGB", (8, 8)), path, "a cat\nSteps: 2"
            )
            made.append(path.read_bytes())
        return made

    def bundles(self) -> list[bytes]:
        """Two styles in their subspace."""
        subspace, styles = self.styled
        path = self.scratch / "bundle.safetensors"
        save_bundle(subspace, {name: styles[name] for name in ("a", "own")}, path)
        return [path.read_bytes()]

    def styles(self) -> list[bytes]:
        """Style files, and one of an older format that has another subspace."""
        subspace, styles = self.styled
        path = self.scratch / "style.safetensors"
        made = []
        for name in ("a", "own"):
            save_style(styles[name], subspace, path)
            made.append(path.read_bytes())
        return [*made, *golden("neon.safetensors")]

    def subspaces(self) -> list[bytes]:
        """Subspace files of all formats."""
        path = self.scratch / "subspace.safetensors"
        save_subspace(self.styled[0], path)
        return [path.read_bytes(), *golden("subspace.safetensors")]

    def reached(self) -> list[bytes]:
        """How far a lesson has come."""
        path = self.scratch / "reached.safetensors"
        rows = (_drawn(2, 3), _drawn(3))
        save_reached(
            Reached(4, (0.5, 0.25), (0.6,), best=rows, now=rows, moments=rows, earlier=(), waited=1, begun=0),
            path,
        )
        return [path.read_bytes()]

    def jobs(self) -> list[bytes]:
        """A list of jobs that wait, run, and are over."""
        path = self.scratch / "jobs.sqlite"
        path.unlink(missing_ok=True)
        database = Database(path)
        store = JobStore(database)
        for number in range(6):
            asked = {"prompt": "a cat", "page": str(number)}
            job = store.add("generate", "a cat", asked, bool(number % 2), "demo", 1e9 + number)
            if number < 4:
                store.begin(job, 2e9)
            if number < 2:
                store.settle(job, State.DONE, 3e9, result={"pictures": []})
        database.close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return [path.read_bytes()]


def golden(name: str) -> list[bytes]:
    """A file of this name from every format that there was."""
    return [path.read_bytes() for path in sorted((FIXTURES.parent / "golden").glob(f"*/{name}"))]


def picture(kind: str, size: tuple[int, int] = (72, 80)) -> bytes:
    """A small picture with noise in it."""
    content = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(content, kind)
    return content.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file, its checksum right."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks: bytes) -> bytes:
    """A picture with these chunks before its end."""
    content = picture("PNG", (8, 8))
    return content[:-12] + b"".join(chunks) + content[-12:]


def as_json(told: Mapping[str, object] | list[object]) -> bytes:
    """JSON as bytes."""
    return json.dumps(told).encode()


def _drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 0.1


def _data_url() -> str:
    return "data:image/png;base64," + base64.b64encode(picture("PNG", (16, 16))).decode()
