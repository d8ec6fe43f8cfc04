"""What a parser did while it read: files that it touched, pickles that it opened, memory that it took, time."""

import ctypes
import gc
import os
import pickle
import re
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch

ROOT = Path(__file__).parent.parent.parent
#: Where Python itself reads while it runs: modules, codecs, the repository, the system's lists of types.
_READABLE = (
    str(ROOT), *{os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())},
    "/dev/", "/proc/", "/sys/", "/etc/mime.types", "/etc/localtime", "/usr/share/",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate",
                      "os.chmod", "os.utime", "sqlite3.connect"})  # fmt: skip
_NEVER = frozenset({"pickle.find_class", "os.system", "subprocess.Popen", "socket.connect", "os.exec",
                    "os.posix_spawn"})  # fmt: skip
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE)


@dataclass
class Seen:
    """What was seen during one case.

    Attributes:
        faults: What should not have been, in words.
        cpu_s: Seconds of this process's CPU.
        peak_bytes: Most memory above what there was before; 0 where the system does not tell.
    """

    faults: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    peak_bytes: int = 0


class _Hook:
    """The one audit hook of this process: they cannot be taken out again, only be idle."""

    seen: Seen | None = None
    folder = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        seen = self.seen
        if seen is None:
            return
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            self._opened(seen, args[0], args[2] or 0)
        elif event in _CHANGES:
            descriptor = args[-1] if event in ("os.remove", "os.rmdir") else -1
            for path in args[: 2 if event == "os.rename" else 1]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._changed(seen, event, path if descriptor == -1 else _below(descriptor, path))
        elif event in _NEVER:
            seen.faults.append(f"{event} {str(args)[:200]}")

    def _changed(self, seen: Seen, event: str, path: Any) -> None:
        name = Path(os.fsdecode(path)).name
        if not self._inside(path):
            seen.faults.append(f"{event} outside its folder: {os.fsdecode(path)[:200]!r}")
        elif event in ("open", "os.mkdir", "os.rename") and (
            _DEVICE.fullmatch(name) or name.endswith((".", " "))
        ):
            seen.faults.append(f"{event} of {name!r}, which Windows takes for something else")

    def _opened(self, seen: Seen, path: Any, flags: int) -> None:
        if flags & _WRITES:
            self._changed(seen, "open", path)
            return
        real = os.path.realpath(os.fsdecode(path))
        if self._inside(path) or real.startswith(_READABLE):
            return
        seen.faults.append(f"opened outside its folder: {real[:200]!r}")

    def _inside(self, path: Any) -> bool:
        name = os.fsdecode(path).removeprefix("file:").partition("?mode=")[0]
        return os.path.realpath(name).startswith(self.folder)


_HOOK = _Hook()
_INSTALLED: list[_Hook] = []


@contextmanager
def watched(folder: Path) -> Iterator[Seen]:
    """Watch what is done in the block, which is to stay within `folder`.

    Raises:
        Whatever the block raises.
    """
    if not _INSTALLED:
        sys.addaudithook(_HOOK)
        _INSTALLED.append(_HOOK)
    seen, before = Seen(), _memory()
    _HOOK.folder = os.path.realpath(folder)
    started = time.process_time()
    _HOOK.seen = seen
    try:
        yield seen
    finally:
        _HOOK.seen = None
        seen.cpu_s = time.process_time() - started
        seen.peak_bytes = max(0, _memory(peak=True) - before)


@contextmanager
def pickles_refused() -> Iterator[None]:
    """Whatever would open a pickle fails: with an error that is none of ours, so that it is seen."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pickle was to be opened")

    with (
        mock.patch.object(pickle, "load", refuse),
        mock.patch.object(pickle, "loads", refuse),
        mock.patch.object(pickle, "Unpickler", refuse),
        mock.patch.object(torch, "load", refuse),
    ):
        yield


def _below(descriptor: int, path: Any) -> str:
    """The path that a name in an opened folder stands for."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink() / os.fsdecode(path))


def _trim() -> None:
    """What was freed goes back to the system, so that it is not taken for memory that was there before."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _memory(peak: bool = False) -> int:
    """Bytes of memory that this process has, or had at most since the last question that was not for that."""
    try:
        if not peak:
            gc.collect(0)
            _trim()
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:" if peak else "VmRSS:"))
    return int(line.split()[1]) * 1024
