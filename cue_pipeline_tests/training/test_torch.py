"""Batches of tensors under torch's own loaders; needs torch, which nothing here depends on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: tensors are not tried")

from torch.utils.data import DataLoader  # noqa: E402

from cue_pipeline.training.windows import Windows  # noqa: E402
from cue_pipeline_tests.training.made import MadeSource  # noqa: E402

pytestmark = pytest.mark.torch
FIELDS = ["mel", "roll", "velocity", "cc", "beat", "category", "complete"]


@pytest.fixture
def windows():
    made = Windows(MadeSource(5_160), seconds=1.0, hop=0.5, fields=FIELDS)
    assert len(made) == 103
    return made


def sequence(loader):
    return [i for batch in loader for i in batch["window"].tolist()]


def test_tensors_hold_what_the_arrays_hold(windows):
    arrays = windows.batches(8, seed=7)
    for tensors, own in zip(windows.torch(batch=8, seed=7), arrays, strict=True):
        assert set(tensors) == {*FIELDS, "window"}
        for name, tensor in tensors.items():
            assert isinstance(tensor, torch.Tensor)
            assert np.array_equal(tensor.numpy(), own[name])


def test_a_model_learns_from_a_batch(windows):
    batch = next(iter(windows.torch(batch=8)))
    model = torch.nn.Linear(4, 128)
    out = model(batch["mel"].float())
    loss = torch.nn.functional.binary_cross_entropy_with_logits(out, batch["roll"].float())
    loss.backward()
    assert model.weight.grad.isfinite().all()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_loader_gives_the_same_sequence_with_any_workers(windows, workers):
    loader = DataLoader(windows.torch(batch=8, seed=7), batch_size=None, num_workers=workers)
    assert sequence(loader) == sequence(windows.batches(8, seed=7))


def test_a_loader_takes_windows_by_their_numbers(windows):
    loader = DataLoader(windows, batch_size=8, sampler=range(103))
    assert sequence(loader) == list(range(103))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stateful_loader_goes_on_where_it_was(windows, workers):
    name = "torchdata.stateful_dataloader"
    stateful = pytest.importorskip(name, reason="torchdata is not installed").StatefulDataLoader
    options = {"batch_size": None, "num_workers": workers}
    loader = stateful(windows.torch(batch=8, seed=7), **options)
    batches = iter(loader)
    seen = [i for _ in range(5) for i in next(batches)["window"].tolist()]
    other = stateful(windows.torch(batch=8, seed=7), **options)
    other.load_state_dict(loader.state_dict())
    assert seen + sequence(other) == sequence(windows.batches(8, seed=7))
