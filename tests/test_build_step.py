"""The training step of assets/build: what its trainers share, against the same steps written out."""

import sys
from pathlib import Path

import torch

BUILD = Path(__file__).resolve().parents[1] / "assets" / "build"
sys.path.insert(0, str(BUILD))

from step import Descent, Recorded  # noqa: E402


def _weights() -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return [
        torch.randn(3, 2, generator=draw).requires_grad_(),
        torch.randn(4, generator=draw).requires_grad_(),
    ]


def test_two_steps_are_those_of_adamw_with_clipped_gradients_and_an_average() -> None:
    mine, theirs = _weights(), _weights()
    descent = Descent(mine, decay=0.01, average=0.9)
    kept = [weight.detach().clone() for weight in theirs]
    plain = torch.optim.AdamW(theirs, lr=1.0, betas=(0.9, 0.99), weight_decay=0.01)

    def run() -> None:
        sum(weight.square().sum() for weight in mine).backward()
        descent.step(clip=0.5)

    once = Recorded(run)
    for rate in (0.1, 0.02):  # a rate that changes between steps, as a recorded step must see it
        descent.rate.fill_(rate)
        once()
        plain.param_groups[0]["lr"] = rate
        plain.zero_grad()
        sum(weight.square().sum() for weight in theirs).backward()
        torch.nn.utils.clip_grad_norm_(theirs, 0.5)
        plain.step()
        kept = [0.9 * old + 0.1 * new.detach() for old, new in zip(kept, theirs, strict=True)]
        assert all(not weight.grad.any() for weight in mine)
    torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(descent.average.kept, kept)
