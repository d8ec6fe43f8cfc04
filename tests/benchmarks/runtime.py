"""What styles cost at run time on the full-size SDXL UNet: steps, switches, memory, side by side with peers.

    python -m tests.benchmarks.runtime [--size 1024] [--dtype float16] [--loras 20] [--json FILE]

Needs CUDA. Weights are random: speed and memory do not depend on their values. LoRAs of rank 32 over the UNet's
722 linear modules, 30% of their energy in 16 common columns, compressed 18 times (one module of each shape is
fitted, the others of that shape take its numbers). Peers: diffusers 0.42 with PEFT (unfused, fused, set_adapters,
hotswap, loading from disk), and plain and PEFT-fused diffusers under the same CUDA graph, so that what the graph
gives is not credited to the subspace. Medians; guidance on, so a batch of 2.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from eigenlorax.module_path import Component
from eigenlorax.runtime.engine import Engine
from eigenlorax.runtime.graph import Captured, CudaRecorder
from eigenlorax.runtime.options import Mode
from eigenlorax.runtime.prompt import Prompt
from eigenlorax.runtime.sdxl import BaseModel
from eigenlorax.subspace.style import Style
from eigenlorax.subspace.subspace import Subspace
from tests.benchmarks.full_size import collection, linear_layout, random_base
from tests.benchmarks.full_size_store import CUDA, RANK, SHARED, peft_state, store

BLENDS = (1, 3, 10)


def median_ms(call: Callable[[], object], repeat: int) -> float:
    """Median of wall milliseconds, the device waited for."""
    times = []
    for _ in range(repeat):
        torch.cuda.synchronize()
        started = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) * 1000.0)
    return statistics.median(times)


class Question:
    """One call of the UNet: what a step asks."""

    def __init__(self, size: int, dtype: torch.dtype, rows: int = 2) -> None:
        chance = torch.Generator("cuda").manual_seed(0)

        def draw(*shape: int) -> Tensor:
            return torch.randn(shape, generator=chance, device=CUDA, dtype=dtype)

        self.latents, self.timestep = draw(rows, 4, size // 8, size // 8), torch.tensor(500.0, device=CUDA)
        ids = torch.tensor([[size, size, 0, 0, size, size]] * rows, device=CUDA, dtype=dtype)
        self.prompt = Prompt(draw(rows, 77, 2048), draw(rows, 1280), ids)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What a recording takes."""
        return self.latents, self.timestep, self.prompt.tokens, self.prompt.pooled, self.prompt.time_ids

    def of(self, engine: Engine) -> Callable[[], Tensor]:
        """The step as the app takes it."""
        return lambda: engine.brush().unet(self.latents, self.timestep, self.prompt)


def plain_call(unet: torch.nn.Module) -> Callable[..., Tensor]:
    """The UNet as diffusers calls it."""

    def call(latents: Tensor, t: Tensor, tokens: Tensor, pooled: Tensor, ids: Tensor) -> Tensor:
        conditions = {"text_embeds": pooled, "time_ids": ids}
        return unet(latents, t, encoder_hidden_states=tokens, added_cond_kwargs=conditions).sample

    return call


def steps_of(call: Callable[[], object], repeat: int = 20) -> dict[str, float]:
    """Milliseconds of a step and its peak memory, after a warm-up."""
    for _ in range(3):
        call()
    torch.cuda.reset_peak_memory_stats()
    found = median_ms(call, repeat)
    return {"step_ms": found, "peak_gb": torch.cuda.max_memory_allocated() / 1e9}


@torch.inference_mode()
def ours(
    base: BaseModel, question: Question, subspace: Subspace, styles: Mapping[str, Style]
) -> dict[str, object]:
    """Both engines under the graph, and live without."""
    names, rows = list(styles), {}
    before = torch.cuda.memory_allocated()
    rows["base, eager"] = steps_of(lambda: plain_call(base.pipeline.unet)(*question.tensors))
    found: dict[str, object] = {"rows": rows}
    pristine = {path: base.parameters[path].detach().cpu() for path in subspace.bases}
    for mode in (Mode.MERGED, Mode.LIVE):
        started = time.perf_counter()
        engine = Engine(base, mode, CudaRecorder())
        call = question.of(engine)
        engine.wear_blend(subspace, styles, {names[0]: 1.0})
        call()
        torch.cuda.synchronize()
        found[f"{mode} first picture s"] = time.perf_counter() - started
        if mode is Mode.MERGED:
            engine.wear_nothing()
            rows["base, graph"] = steps_of(call)
        for count in BLENDS:
            engine.wear_blend(subspace, styles, {name: 0.3 + 0.1 * i for i, name in enumerate(names[:count])})
            rows[f"{mode}, {count} styles, graph"] = steps_of(call)
        for name in names:
            engine.wear_blend(subspace, styles, {name: 1.0})
        found[f"{mode} bytes of {len(names)} styles"] = engine.nbytes, engine.resident_bytes
        found[f"{mode} switch ms"] = switches(engine, subspace, styles)
        found[f"{mode} slider ms"] = median_ms(slider(engine, subspace, styles), 200)
        found[f"{mode} recordings"] = engine.recordings
        found[f"{mode} repeats exactly"] = repeats(engine, call, subspace, styles)
        if mode is Mode.MERGED:
            found["copy of adapted weights ms"] = copying(base, subspace)
        engine.wear_nothing()
        found[f"{mode} restores exactly"] = all(
            torch.equal(base.parameters[p].cpu(), w) for p, w in pristine.items()
        )
        del engine, call
        torch.cuda.empty_cache()
    live = Engine(base, Mode.LIVE, CudaRecorder())
    for name in names:
        live.wear_blend(subspace, styles, {name: 1.0})
    found[f"live bytes of {len(names)} styles, one worn at a time"] = live.nbytes
    batch = Question(8 * question.latents.shape[-1], question.latents.dtype, 16)
    rows["live, 8 pictures, 1 style, graph"] = steps_of(batch.of(live), 8)
    live.wear_blends(subspace, styles, [{name: 1.0} for name in names[:8]])
    rows["live, 8 pictures, 8 styles, graph"] = steps_of(batch.of(live), 8)
    live.settle(Mode.LIVE, recorded=False)
    live.wear_blend(subspace, styles, dict.fromkeys(names[:10], 0.3))
    rows["live, 10 styles, eager"] = steps_of(question.of(live))
    live.wear_nothing()
    found["bytes before"] = before
    return found


def slider(engine: Engine, subspace: Subspace, styles: Mapping[str, Style]) -> Callable[[], object]:
    """One strength of ten moves."""
    names, state = list(styles)[:10], {"at": 0}

    def move() -> None:
        state["at"] += 1
        engine.wear_blend(subspace, styles, dict.fromkeys(names, 0.3) | {names[0]: 0.001 * state["at"]})

    return move


def switches(
    engine: Engine, subspace: Subspace, styles: Mapping[str, Style], repeat: int = 200
) -> dict[str, float]:
    """Milliseconds from any blend to any other, all styles resident."""
    chance = torch.Generator().manual_seed(1)
    names = list(styles)
    found = {}
    for count in BLENDS:
        times = []
        for _ in range(repeat):
            order = torch.randperm(len(names), generator=chance).tolist()[:count]
            times.append(engine.wear_blend(subspace, styles, {names[i]: 0.5 for i in order}))
        found[f"{count} styles"] = statistics.median(times)
    return found


def repeats(
    engine: Engine, call: Callable[[], Tensor], subspace: Subspace, styles: Mapping[str, Style]
) -> bool:
    """Whether a blend predicts the same bits before and after 1,000 random switches, and what eager predicts."""
    names = list(styles)
    blend = {names[0]: 0.7, names[3]: -0.4, names[7]: 1.0}
    engine.wear_blend(subspace, styles, blend)
    first = call()
    chance = torch.Generator().manual_seed(2)
    for _ in range(1000):
        order = torch.randperm(len(names), generator=chance).tolist()[
            : 1 + int(torch.randint(10, (1,), generator=chance))
        ]
        engine.wear_blend(
            subspace, styles, {names[i]: float(torch.randn(1, generator=chance)) for i in order}
        )
    engine.wear_blend(subspace, styles, blend)
    return bool(torch.equal(first, call()))


def copying(base: BaseModel, subspace: Subspace) -> float:
    """A plain copy of every adapted weight: the floor of any rewrite."""
    weights = [base.parameters[path].data for path in subspace.bases]
    copies = [weight.clone() for weight in weights]
    return median_ms(lambda: torch._foreach_copy_(copies, weights), 30)


@torch.inference_mode()
def peft(
    base: BaseModel, question: Question, folder: Path, count: int, dtype: torch.dtype
) -> dict[str, object]:
    """The same with diffusers and PEFT."""
    layout = {path: shape for path, shape in linear_layout().items() if path.component is Component.UNET}
    files = []
    for lora in collection(layout, list(layout), 4, RANK, SHARED):
        files.append(folder / f"{lora.name}.safetensors")
        save_file(peft_state(lora, torch.float16), files[-1])
    unet = base.pipeline.unet
    call = plain_call(unet)

    def load(file: Path, name: str, **how: bool) -> None:
        unet.load_lora_adapter(file, adapter_name=name, prefix=None, **how)

    rows: dict[str, dict[str, float]] = {}
    found: dict[str, object] = {"rows": rows}
    times = []
    for i in range(3):
        torch.cuda.synchronize()
        started = time.perf_counter()
        load(files[i], f"a{i}")
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) * 1000.0)
    found["load ms"] = statistics.median(times)
    lora_numbers = [p for name, p in unet.named_parameters() if "lora_" in name]
    found["bytes of one LoRA"] = sum(p.numel() * p.element_size() for p in lora_numbers) / 3
    for many in (1, 3):
        unet.set_adapters([f"a{i}" for i in range(many)], [0.5] * many)
        rows[f"PEFT unfused, {many} LoRA, eager"] = steps_of(lambda: call(*question.tensors), 10)
    found["set_adapters ms"] = statistics.median(
        [median_ms(lambda i=i: unet.set_adapters([f"a{i % 3}"], [1.0]), 1) for i in range(12)]
    )
    unet.set_adapters(["a0"], [1.0])
    found["fuse + unfuse ms"] = median_ms(lambda: (unet.fuse_lora(), unet.unfuse_lora()), 5)
    unet.fuse_lora()
    rows["PEFT fused, 1 LoRA, eager"] = steps_of(lambda: call(*question.tensors), 10)
    captured = Captured(call, CudaRecorder())
    rows["PEFT fused, 1 LoRA, graph"] = steps_of(lambda: captured(0, *question.tensors))
    captured.forget()
    unet.unfuse_lora()
    unet.delete_adapters(["a1", "a2"])
    found["hotswap ms"] = median_ms(lambda: load(files[3], "a0", hotswap=True), 5)
    unet.unload_lora()
    found["bytes of all LoRAs"] = float(found["bytes of one LoRA"]) * count  # type: ignore[arg-type]
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--dtype", default="float16", choices=["float16", "bfloat16"])
    parser.add_argument("--loras", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    dtype = getattr(torch, given.dtype)
    started = time.perf_counter()
    subspace, styles, lora_bytes = store(given.loras)
    print(f"store of {given.loras} LoRAs in {time.perf_counter() - started:.0f} s", flush=True)
    base = random_base(CUDA, dtype)
    question = Question(given.size, dtype)
    found = {
        "device": torch.cuda.get_device_name(),
        "size": given.size,
        "dtype": given.dtype,
        "LoRA bytes": lora_bytes,
    }
    found |= {"ours": ours(base, question, subspace, styles)}
    print_rows(found["ours"])
    with tempfile.TemporaryDirectory() as folder:
        found |= {"peft": peft(base, question, Path(folder), given.loras, dtype)}
    print_rows(found["peft"])
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def print_rows(found: Mapping[str, object]) -> None:
    """Everything measured, as text."""
    for key, value in found.items():
        if key != "rows":
            print(f"{key}: {value}")
            continue
        for name, row in value.items():  # type: ignore[attr-defined]
            print(f"{name:32} {row['step_ms']:8.2f} ms {row['peak_gb']:7.2f} GB", flush=True)


if __name__ == "__main__":
    main()
