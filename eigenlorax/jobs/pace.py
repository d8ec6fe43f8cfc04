"""How long the rest takes, as steps went of late."""

from collections import deque

_WINDOW = 64


class Pace:
    """The mean over the last steps of one part of the work.

    A mean and no median: where every tenth step also measures or draws, a median would leave those out. What
    comes before the first event is not counted, since that is preparation; a part of another size, or a
    count that goes back, begins anew.
    """

    def __init__(self) -> None:
        self._part: tuple[str, int] | None = None
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def seen(self, what: str, done: int, total: int, now: float) -> float | None:
        """Take an event in.

        Args:
            what: The part of the work.
            done: Of `total`.
            total: Steps of the part.
            now: Seconds of any clock that never goes back.

        Returns:
            Seconds until the part is done; None while that is not known.
        """
        if (what, total) != self._part or (self._seen and done < self._seen[-1][1]):
            self._part = (what, total)
            self._seen.clear()
        self._seen.append((now, done))
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (end - start) / (last - first) * max(0, total - last) if last > first else None
