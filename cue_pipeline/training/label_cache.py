"""Labels of stems that were read, kept for the windows to come."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cue_pipeline.training.windows.source import Labels


class LabelCache:
    """Labels by stem, the last used, up to a number of bytes; from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[int, Labels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, item: int) -> Labels | None:
        """Return what is kept of a stem."""
        with self._lock:
            found = self._kept.get(item)
            if found is not None:
                self._kept.move_to_end(item)
            return found

    def put(self, of_cue: Mapping[int, Labels]) -> None:
        """Keep what the score says of a cue's stems; what was longest not used goes."""
        with self._lock:
            for item, labels in of_cue.items():
                self._bytes += labels.nbytes - getattr(self._kept.get(item), "nbytes", 0)
                self._kept[item] = labels
            while self._bytes > self._most and len(self._kept) > len(of_cue):
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {"_most": self._most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_most"])  # type: ignore[misc]
