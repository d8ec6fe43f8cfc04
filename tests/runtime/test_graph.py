"""Recordings: made once for each shape, right after every change of what they read, bounded in number."""

from collections.abc import Callable

import torch
from torch import Tensor

from eigenlorax.runtime.graph import Captured, Recording


class Recorder:
    """Stands in for a CUDA graph: a replay runs the call again into the same memory."""

    def __init__(self) -> None:
        self.recorded = 0

    def __call__(self, call: Callable[[], Tensor]) -> Recording:
        self.recorded += 1
        output = call()
        return Recording(output, lambda: output.copy_(call()))


def test_one_recording_serves_every_number_and_reads_buffers_as_they_are() -> None:
    weight, recorder = torch.ones(3), Recorder()
    captured = Captured(lambda x: x * weight, recorder)
    first = captured("k", torch.arange(3.0))
    weight.fill_(2.0)
    second = captured("k", torch.tensor([5.0, 6.0, 7.0]))
    assert first.tolist() == [0.0, 1.0, 2.0]  # not overwritten by the later replay
    assert second.tolist() == [10.0, 12.0, 14.0]
    assert recorder.recorded == 1


def test_shapes_types_and_keys_have_recordings_of_their_own() -> None:
    recorder = Recorder()
    captured = Captured(lambda x: x + 1, recorder)
    for key, x in (
        ("a", torch.zeros(2)),
        ("a", torch.zeros(3)),
        ("b", torch.zeros(2)),
        ("a", torch.zeros(2).half()),
    ):
        assert torch.equal(captured(key, x), x + 1)
    assert recorder.recorded == 4


def test_the_one_not_used_for_longest_goes_first() -> None:
    recorder = Recorder()
    captured = Captured(lambda x: x + 1, recorder, keep=2)
    for size in (1, 2, 1, 3, 1):
        captured("k", torch.zeros(size))
    assert (recorder.recorded, len(captured)) == (3, 2)
    captured("k", torch.zeros(2))
    assert recorder.recorded == 4
    captured.forget()
    assert len(captured) == 0
