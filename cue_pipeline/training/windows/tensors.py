"""Batches as tensors: the one module that knows torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from .epoch import Batches


class TensorBatches(IterableDataset):  # type: ignore[misc, type-arg, unused-ignore]
    """An epoch's batches, each a dict of tensors.

    Under a ``DataLoader`` with worker processes each makes its share of the batches, and they come
    in the order that they have without workers. ``StatefulDataLoader`` of ``torchdata`` saves and
    restores where it is.
    """

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield batches: field → tensor of shape (n, …)."""
        worker = get_worker_info()
        share = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        for arrays in self.batches.of_worker(*share):
            yield {name: torch.from_numpy(array) for name, array in arrays.items()}

    def __len__(self) -> int:
        """Return the number of batches that are left of the epoch."""
        return len(self.batches)

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch."""
        self.batches.set_epoch(epoch)

    def state_dict(self) -> dict[str, int]:
        """Return from where to go on."""
        return self.batches.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from where a :meth:`state_dict` was taken."""
        self.batches.load_state_dict(state)
