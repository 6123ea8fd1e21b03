"""Learn which notes begin when from mel spectrograms of stems, on a CPU in a minute.

    .venv/bin/python -m pip install torch
    .venv/bin/python examples/compose_library.py films --cues 16
    CUE_MEL_N_MELS=229 .venv/bin/cue-pipeline process films 16000
    .venv/bin/cue-pipeline splits make --ratios 70,15,15
    .venv/bin/python examples/train_onsets.py sqlite:///cue_pipeline.db

A small convolutional network learns from the split ``train``, thresholds are chosen on
``validation``, and what is printed is measured on ``test``: films of which nothing was heard
before. A note is found where the right pitch begins within 50 ms. Beside the network stand a linear
model that is trained alike, spectral flux at the harmonics of each pitch, and chance.

Frames in which something undecided may sound (``complete``) take part in nothing. Sample rate,
bands and hop are those of Hawthorne et al., Onsets and Frames, ISMIR 2018.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cue_pipeline.audio.mel_filters import mel_corners
from cue_pipeline.settings import MelSettings
from cue_pipeline.training import Windows

LOWEST, N_PITCHES = 36, 60  # MIDI; C2 to B6
TOLERANCE_SECONDS = 0.05
SECONDS, HOP, BATCH, SEED = 2.0, 1.0, 8, 1
FIELDS = ["mel", "onset", "complete"]

Stem = dict[str, NDArray[Any]]
Strength = NDArray[np.float64]
"""How much each frame is the beginning of each pitch, shape=(frames, N_PITCHES)."""


def features(mel: torch.Tensor) -> torch.Tensor:
    """Return level and rise of each band: (n, frames, bands) dB to (n, 2, frames, bands)."""
    level = mel.clamp(min=-90.0)
    rise = torch.relu(torch.diff(level, dim=1, prepend=level[:, :1]))
    return torch.stack([(level + 60.0) / 20.0, rise / 10.0], dim=1)


class Linear(nn.Module):
    """One weight for each pitch, band and neighbouring frame."""

    def __init__(self, n_bands: int) -> None:
        super().__init__()
        self.weights = nn.Conv1d(2 * n_bands, N_PITCHES, 5, padding=2)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return logits, shape=(n, frames, N_PITCHES)."""
        return self.weights(features(mel).transpose(2, 3).flatten(1, 2)).transpose(1, 2)


class OnsetNet(nn.Module):
    """Two convolutions over frames and bands, then all bands of a frame together."""

    def __init__(self, n_bands: int) -> None:
        super().__init__()
        self.local = nn.Sequential(
            nn.Conv2d(2, 8, (3, 7), padding=(1, 3), stride=(1, 3)),
            nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 16, (3, 5), padding=(1, 2), stride=(1, 2)),
            nn.BatchNorm2d(16), nn.ReLU(), nn.Dropout(0.2),
        )  # fmt: skip
        width = 16 * ((n_bands + 5) // 6)
        self.chord = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Dropout(0.2))
        self.pitches = nn.Conv1d(128, N_PITCHES, 3, padding=1)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return logits, shape=(n, frames, N_PITCHES)."""
        heard = self.local(features(mel)).transpose(1, 2).flatten(2)
        return self.pitches(self.chord(heard).transpose(1, 2)).transpose(1, 2)


def train(net: nn.Module, windows: Windows, epochs: int) -> nn.Module:
    """Return a network that has seen the windows for some epochs."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-3)
    steps = epochs * len(windows.torch(batch=BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    weight = torch.tensor(3.0)
    for epoch in range(epochs):
        for batch in windows.torch(batch=BATCH, seed=SEED, epoch=epoch):
            mel, onset, known = augmented(batch)
            # A frame beside an onset is nearly one.
            near = nn.functional.max_pool1d(onset.transpose(1, 2), 3, stride=1, padding=1)
            target = torch.maximum(onset, 0.3 * near.transpose(1, 2))
            losses = nn.functional.binary_cross_entropy_with_logits(
                net(mel), target, reduction="none", pos_weight=weight
            )
            loss = (losses * known[:, :, None]).sum() / known.sum().clamp(min=1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            optimiser.step()
            schedule.step()
    return net.eval()


def augmented(batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mel, onsets and known frames at other levels, half of the time two stems at once."""
    mel = batch["mel"].float()
    mel = mel + torch.empty(len(mel), 1, 1).uniform_(-10.0, 10.0)
    onset = batch["onset"][:, :, LOWEST : LOWEST + N_PITCHES].float()
    known = batch["complete"]
    if torch.rand(()) < 0.5:
        other = torch.randperm(len(mel))
        mel = 10.0 * torch.log10(10 ** (mel / 10.0) + 10 ** (mel[other] / 10.0))
        onset, known = torch.maximum(onset, onset[other]), known & known[other]
    return mel, onset, known


def whole_stems(url: str, split: str) -> list[Stem]:
    """Return each stem of a split as one window."""
    windows = Windows.open(url, split=split, fields=FIELDS)
    longest = max(item.n_frames for item in windows.items) / windows.frames_per_second
    return list(Windows.open(url, split=split, fields=FIELDS, seconds=longest, hop=longest))


def by_network(net: nn.Module) -> Callable[[Stem], Strength]:
    """Return what asks a network about a stem."""

    def strength(stem: Stem) -> Strength:
        with torch.no_grad():
            logits = net(torch.from_numpy(stem["mel"]).float()[None])[0]
        return torch.sigmoid(logits).double().numpy()

    return strength


def by_flux(sample_rate: int, n_bands: int) -> Callable[[Stem], Strength]:
    """Return what sums up spectral flux at each pitch's harmonics, less that between them."""
    centres = mel_corners(MelSettings(sr=sample_rate, n_mels=n_bands))[1:-1]

    def at(rise: Strength, hz: Strength) -> Strength:
        place = np.interp(hz, centres, np.arange(n_bands))
        low = np.minimum(place.astype(int), n_bands - 2)
        return rise[:, low] * (low + 1 - place) + rise[:, low + 1] * (place - low)

    def strength(stem: Stem) -> Strength:
        mel = np.maximum(stem["mel"].astype(np.float64), -70.0)
        rise = np.maximum(mel - np.concatenate([mel[:1], mel[:1], mel[:-2]]), 0.0)
        combs = np.empty((len(mel), N_PITCHES))
        for i in range(N_PITCHES):
            f0 = 440.0 * 2 ** ((LOWEST + i - 69) / 12)
            k = np.arange(1, 9)[f0 * np.arange(1, 9) < centres[-1]]
            combs[:, i] = (at(rise, f0 * k) - at(rise, f0 * (k - 0.5))) @ (0.8**k / sum(0.8**k))
        beside = np.pad(combs, ((0, 0), (1, 1)))
        return np.where(combs >= np.maximum(beside[:, :-2], beside[:, 2:]), combs, 0.0)

    return strength


def begins(strength: Strength, threshold: float) -> NDArray[np.bool_]:
    """Return where a pitch is stronger than in the frames around, and than the threshold."""
    around = np.pad(strength, ((1, 1), (0, 0)), constant_values=-np.inf)
    return (strength >= around[:-2]) & (strength > around[2:]) & (strength > threshold)


def counts(found: NDArray[np.bool_], stem: Stem, frames_per_second: float) -> NDArray[np.int64]:
    """Return how many notes were found rightly, were found, and are there, in known frames."""
    known = stem["complete"][:, None]
    found, true = found & known, stem["onset"][:, LOWEST : LOWEST + N_PITCHES] & known
    reach, hits = TOLERANCE_SECONDS * frames_per_second, 0
    for pitch in range(N_PITCHES):
        left = np.flatnonzero(found[:, pitch]).tolist()
        for onset in np.flatnonzero(true[:, pitch]):
            near = [frame for frame in left if abs(frame - onset) <= reach]
            if near:
                left.remove(min(near, key=lambda frame: abs(frame - onset)))
                hits += 1
    return np.array([hits, found.sum(), true.sum()])


def f_measure(total: NDArray[np.int64]) -> float:
    """Return the harmonic mean of precision and recall."""
    return float(2 * total[0] / max(1, total[1] + total[2]))


def tried(
    way: Callable[[Stem], Strength], choosing: Sequence[Stem], test: Sequence[Stem], fps: float
) -> NDArray[np.int64]:
    """Return the counts on the test stems, at the threshold that is best on others."""
    strengths = [way(stem) for stem in choosing]
    levels = np.quantile(np.concatenate(strengths), 1 - np.geomspace(2e-4, 0.1, 25))
    scores = [
        f_measure(
            summed(counts(begins(s, t), of, fps) for s, of in zip(strengths, choosing, strict=True))
        )
        for t in levels
    ]
    best = float(levels[int(np.argmax(scores))])
    return summed(counts(begins(way(stem), best), stem, fps) for stem in test)


def summed(some: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the sum of counts."""
    return sum(some, np.zeros(3, np.int64))


def by_chance(test: Sequence[Stem], fps: float) -> NDArray[np.int64]:
    """Return the counts of as many notes as there are, at random moments."""
    random, total = np.random.default_rng(SEED), np.zeros(3, np.int64)
    for stem in test:
        moved = {**stem, "onset": stem["onset"] & stem["complete"][:, None]}
        found = moved["onset"][:, LOWEST : LOWEST + N_PITCHES]
        known = np.flatnonzero(stem["complete"])
        shuffled = np.zeros_like(found)
        shuffled[known] = found[random.permutation(known)]
        total += counts(shuffled, stem, fps)
    return total


def main(url: str, epochs: int) -> int:
    """Train and try; return 0 if the network is better than all else."""
    began = time.monotonic()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # so small a network gains little by a second one
    windows = Windows.open(url, split="train", fields=FIELDS, seconds=SECONDS, hop=HOP)
    fps, n_bands = windows.frames_per_second, windows[0]["mel"].shape[1]
    choosing, test = whole_stems(url, "validation"), whole_stems(url, "test")
    print(
        f"{len(windows)} windows to train on, {len(choosing)} stems to choose thresholds, "
        f"{len(test)} to test; {n_bands} bands, {fps:g} frames a second.",
        flush=True,
    )
    totals = {"chance": by_chance(test, fps)}
    totals["spectral flux"] = tried(by_flux(windows.grid.sample_rate, n_bands), choosing, test, fps)
    for name, net in (("linear", Linear(n_bands)), ("network", OnsetNet(n_bands))):
        totals[name] = tried(by_network(train(net, windows, epochs)), choosing, test, fps)
    for name, total in totals.items():
        hits, found, true = total.tolist()
        print(f"{name:<14} F {f_measure(total):.3f}  ({hits} of {true} notes, {found} found)")
    weights = sum(weight.numel() for weight in net.parameters())
    print(f"The network has {weights:,} weights. {time.monotonic() - began:.0f} s")
    others = [f_measure(total) for name, total in totals.items() if name != "network"]
    return int(f_measure(totals["network"]) <= max(others))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", default="sqlite:///cue_pipeline.db")
    parser.add_argument("--epochs", type=int, default=12)
    asked = parser.parse_args()
    sys.exit(main(asked.url, asked.epochs))
