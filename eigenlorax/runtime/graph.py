"""The UNet under a CUDA graph: one launch a step in place of thousands, the same for every blend."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

Call = Callable[..., Tensor]


@dataclass(frozen=True)
class Recording:
    """A recorded call.

    Attributes:
        output: Where every replay writes its result.
        replay: Runs the call again on whatever its inputs hold by then.
    """

    output: Tensor
    replay: Callable[[], None]


Recorder = Callable[[Callable[[], Tensor]], Recording]


class Captured:
    """Records a call once for each shape of its inputs and replays it from then on.

    What the call reads beside its inputs, weights and the buffers of styles, must stay where it is; what is
    written there counts at the next replay.

    Args:
        call: Tensors -> tensor; no decision in it may depend on the numbers in them.
        recorder: How a call without arguments is recorded.
        keep: Most recordings to keep; the one not used for longest goes first.
    """

    def __init__(self, call: Call, recorder: Recorder, keep: int = 4) -> None:
        self._call, self._recorder, self._keep = call, recorder, keep
        self._kept: OrderedDict[Hashable, tuple[tuple[Tensor, ...], Recording]] = OrderedDict()

    def __call__(self, key: Hashable, *inputs: Tensor) -> Tensor:
        """The call's output, in memory of its own.

        Args:
            key: Names everything beside the inputs' shapes that a recording rests on.
            inputs: On the device.
        """
        whole = (key, *((x.shape, x.dtype) for x in inputs))
        if whole not in self._kept:
            while len(self._kept) >= self._keep:
                self._kept.popitem(last=False)
            own = tuple(x.clone() for x in inputs)
            self._kept[whole] = own, self._recorder(lambda: self._call(*own))
        self._kept.move_to_end(whole)
        own, recording = self._kept[whole]
        for mine, given in zip(own, inputs, strict=True):
            mine.copy_(given)
        recording.replay()
        return recording.output.clone()

    def __len__(self) -> int:
        """Recordings kept."""
        return len(self._kept)

    def forget(self) -> None:
        """Drop every recording, and the memory that it holds."""
        self._kept.clear()


class CudaRecorder:
    """Records CUDA graphs that share one pool of memory, since no two of them ever run at once.

    Args:
        warm_ups: Calls before the recording, so that libraries have chosen their kernels by then.
    """

    def __init__(self, warm_ups: int = 2) -> None:
        self._warm_ups = warm_ups
        self._pool = torch.cuda.graph_pool_handle()
        # One stream for all: what autograd keeps of a warm-up belongs to the stream that it ran on.
        self._stream = torch.cuda.Stream()

    def __call__(self, call: Callable[[], Tensor]) -> Recording:
        """Record.

        Raises:
            torch.OutOfMemoryError: too little memory is left for the call's buffers.
        """
        side = self._stream
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(self._warm_ups):
                call()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=side):
            output = call()
        return Recording(output, graph.replay)
