"""How long the thread of a window did not answer, and what ran meanwhile.

A timer of the window beats; a second thread looks at the stacks of all threads whenever a beat is
late. It knows nothing of what is measured.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType

from qtpy.QtCore import Qt, QTimer

_LATE = 0.03  # seconds without a beat after which stacks are looked at
_OWN = "napari_latentattr"


@dataclass(frozen=True, slots=True)
class Stall:
    """One time without an answer.

    Attributes
    ----------
    ms : float
    own_ms : float
        CPU time that the window's thread used meanwhile; much less than `ms` means that it waited.
    collected_ms : float
        Time that collecting garbage took meanwhile, in whichever thread.
    ran : tuple of str
        What the window's thread was seen to do, in order.
    others : tuple of str
        What other threads were seen to do.
    """

    ms: float
    own_ms: float
    collected_ms: float
    ran: tuple[str, ...]
    others: tuple[str, ...]

    def __str__(self) -> str:
        words = f"{self.ms:.0f} ms ({self.own_ms:.0f} own"
        words += f", {self.collected_ms:.0f} garbage): " if self.collected_ms > 1 else "): "
        words += "; ".join(self.ran) or "not seen"
        waited = self.own_ms < self.ms / 2
        return words + (f" -- beside: {'; '.join(self.others)}" if waited and self.others else "")


class WindowWatch:
    """Beats in the window's thread and watches from another one."""

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self._main = threading.get_ident()
        self._seen: list[tuple[str, list[str]]] = []
        self._running = False
        self._thread: threading.Thread | None = None
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._collecting, self._collected = 0.0, 0.0
        gc.callbacks.append(self._on_garbage)

    def start(self) -> None:
        """Begin to count."""
        self.stalls = []
        self._mark()
        self._running = True
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        self._timer.start(2)

    def stop(self) -> list[Stall]:
        """Stop; what was longer than 30 ms, the longest first."""
        self._timer.stop()
        self._beat()
        self._running = False
        if self._thread is not None:
            self._thread.join()
        return sorted(self.stalls, key=lambda stall: -stall.ms)

    def _mark(self) -> None:
        self._seen, self._collected = [], 0.0
        self._own, self._last = time.thread_time(), time.perf_counter()

    def _beat(self) -> None:
        passed = time.perf_counter() - self._last
        if passed > _LATE:
            ran = tuple(dict.fromkeys(main for main, _ in self._seen))
            others = tuple(dict.fromkeys(name for _, names in self._seen for name in names))
            own = time.thread_time() - self._own
            self.stalls.append(Stall(1e3 * passed, 1e3 * own, 1e3 * self._collected, ran, others))
        self._mark()

    def _look(self) -> None:
        me = threading.get_ident()
        while self._running:
            time.sleep(0.01)
            if time.perf_counter() - self._last <= _LATE:
                continue
            frames = sys._current_frames()
            main = _where(frames.pop(self._main))
            frames.pop(me, None)
            self._seen.append((main, [where for f in frames.values() if (where := _where(f))]))

    def _on_garbage(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            self._collected += time.perf_counter() - self._collecting


def _where(frame: FrameType | None) -> str:
    """Name the innermost function and, outermost first, those of the package that led to it."""
    if frame is None:
        return ""
    innermost, own, it = _name(frame), [], frame
    while it is not None:
        if _OWN in it.f_code.co_filename:
            own.append(_name(it))
        it = it.f_back
    if innermost.startswith(("threading.", "thread.")):
        return ""
    path = own[::-1][-4:]
    return " > ".join(path if path[-1:] == [innermost] else [*path, innermost])


def _name(frame: FrameType) -> str:
    stem = frame.f_code.co_filename.rpartition("/")[2].removesuffix(".py")
    return f"{stem}.{frame.f_code.co_name}"
