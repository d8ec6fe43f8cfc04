"""What the machine offers; the only place that asks torch about devices."""

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
    return Hardware(torch.device("cpu"), torch.float32, f"CPU, {torch.get_num_threads()} threads")


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told, so that a clock read after it is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
