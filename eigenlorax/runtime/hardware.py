"""What the machine offers; the only place that asks torch about devices and their memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Hardware:
    """Where the model runs and in which precision.

    Attributes:
        device: "cuda", "mps" or "cpu".
        dtype: float16 on a GPU, float32 on a CPU, whose half precision is slow.
        name: For the user to read.
    """

    device: torch.device
    dtype: torch.dtype
    name: str


def detect() -> Hardware:
    """Choose the best device there is."""
    if torch.cuda.is_available():
        return Hardware(torch.device("cuda"), torch.float16, torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Hardware(torch.device("mps"), torch.float16, "Apple GPU")
    return processor()


def processor() -> Hardware:
    """The CPU, whatever else there is."""
    threads = torch.get_num_threads()
    named = f"CPU, {threads} thread" if threads == 1 else f"CPU, {threads} threads"
    return Hardware(torch.device("cpu"), torch.float32, named)


@dataclass(frozen=True)
class Card:
    """A graphics card: bytes of its memory that are free, and all of it."""

    name: str
    free: int
    total: int


def kind() -> str:
    """What torch computes on, by the names that people install it by: "CUDA 13.0", "ROCm 7.0", "Apple"."""
    if torch.version.hip:
        return f"ROCm {torch.version.hip}" if torch.cuda.is_available() else "CPU"
    if torch.cuda.is_available():
        return f"CUDA {torch.version.cuda}"
    return "Apple" if torch.backends.mps.is_available() else "CPU"


def cards() -> list[Card]:
    """Every card that torch can use; of an Apple GPU what torch advises to take of the common memory."""
    if torch.cuda.is_available():
        count = range(torch.cuda.device_count())
        return [Card(torch.cuda.get_device_name(one), *torch.cuda.mem_get_info(one)) for one in count]
    if torch.backends.mps.is_available():
        most = int(torch.mps.recommended_max_memory())
        return [Card("Apple GPU", most, most)]
    return []


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told, so that a clock read after it is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 by itself; CPUs do, at fp32's speed or below."""
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def budget_bytes(device: torch.device) -> int | None:
    """Bytes of the card that this process may fill: what is free, and what it holds now.

    None on a CPU, where nothing is moved about. A cap set by `capped` counts.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        allowed = int(torch.cuda.get_per_process_memory_fraction(_numbered(device)) * total)
        return min(free + torch.cuda.memory_reserved(device), allowed)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return None


def release_cache(device: torch.device) -> None:
    """Hand memory that torch keeps for later back to the card."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def restart_peak(device: torch.device) -> None:
    """Begin a new measurement for `peak_bytes`."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """Most bytes that tensors held on the card since `restart_peak`; None where it is not counted."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def peak_reserved_bytes(device: torch.device) -> int | None:
    """Most bytes that torch took from the card since `restart_peak`, its own waste included."""
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None


@contextmanager
def capped(device: torch.device, most: int) -> Iterator[None]:
    """Behave, within the block, as a card that gives this process at most `most` bytes; CUDA only.

    Past it torch raises OutOfMemoryError, as it does on a full card.
    """
    device = _numbered(device)
    before = torch.cuda.get_per_process_memory_fraction(device)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, most / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(before, device)


def _numbered(device: torch.device) -> torch.device:
    """The card by its number, which some of torch's questions insist on."""
    return torch.device("cuda", torch.cuda.current_device()) if device.index is None else device
