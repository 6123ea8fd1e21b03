"""Which machinery computes, and that it does not matter to the result."""

import builtins
import hashlib
import os
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cue_pipeline.audio import group_pass
from cue_pipeline.audio.compiled import choice as engine
from cue_pipeline.audio.compiled import kernels, lanes, loudness_kernels, sample_kernels
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.mel import MelStream
from cue_pipeline.audio.mel_filters import mel_plan
from cue_pipeline.audio.profiles import mel_profiles
from cue_pipeline.audio.sound_rows import final_mix_tables, mel_feature_tables
from cue_pipeline.settings import MelSettings
from cue_pipeline_tests.audio.wave_files import (
    arranged,
    cue_folder,
    inventory_of,
    noise,
    write_audio,
)

EXAMPLES = int(os.environ.get("CUE_TEST_EXAMPLES", "60"))
MELS = mel_profiles(["mt3"], MelSettings())


@pytest.fixture(scope="module")
def cue(tmp_path_factory):
    path = tmp_path_factory.mktemp("cue")
    for i, name in enumerate(["A.L", "A.R", "6mx.L", "6mx.R"]):
        write_audio(path / f"{name}.wav", noise(150_001, seed=i))
    return path


@pytest.mark.parametrize("make", [mel_feature_tables, final_mix_tables])
def test_both_engines_fill_the_same_rows(cue, make, monkeypatch):
    made = []
    for compiled in (False, True):
        monkeypatch.setattr(group_pass, "worth_compiling", lambda n, yes=compiled: yes)
        extra = [[1]] if make is final_mix_tables else []
        made.append(make(cue_folder(cue), inventory_of(cue), MELS, *extra))
    for name, table in made[0].items():
        other = made[1][name]
        if not isinstance(table, pd.DataFrame):
            mine, theirs = (
                np.frombuffer(b"".join(c for batch in t for c in batch["data"]), "<f2").astype("f4")
                for t in (table, other)
            )
            assert np.abs(mine - theirs).max() <= 0.0626  # one step of float16 at most
            assert np.mean(mine != theirs) < 0.001
            continue
        pd.testing.assert_frame_equal(
            table.drop(columns=["max_db"], errors="ignore"),
            other.drop(columns=["max_db"], errors="ignore"),
        )


def test_short_passes_load_no_compiler_and_long_ones_do(monkeypatch):
    asked = []
    monkeypatch.setattr(engine, "kernels_load", lambda: not asked.append(1))
    assert engine.worth_compiling(engine.WORTH_FRAMES - 1) is False
    assert asked == []
    assert engine.worth_compiling(engine.WORTH_FRAMES) is True


def test_a_machine_without_numba_computes_by_numpy(monkeypatch, caplog):
    really = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "cue_pipeline.audio.compiled.kernels":
            raise ImportError("no compiler here")
        return really(name, *args, **kwargs)

    engine.kernels_load.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    try:
        assert engine.worth_compiling(10**9) is False
        assert "no compiler here" in caplog.text
    finally:
        engine.kernels_load.cache_clear()


@pytest.mark.parametrize(
    ("built", "on"),
    [
        (kernels, ["lanes.py", "codelets.py"]),
        (sample_kernels, ["lanes.py"]),
        (loudness_kernels, ["lanes.py"]),
    ],
)
def test_kernels_name_what_they_are_built_on_so_that_an_update_compiles_them_anew(built, on):
    folder = Path(lanes.__file__).parent
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in on))
    assert digest.hexdigest()[:16] == built.BUILT_ON


def test_kernels_compile_where_nothing_can_be_kept(monkeypatch):
    really = numba.njit

    def no_place(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return really(*args, **options)

    monkeypatch.setattr(numba, "njit", no_place)
    assert lanes.compiled()(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize("n_fft", [1_000, 16, 1 << 16])
def test_parameters_that_no_kernel_takes_are_computed_all_the_same(n_fft):
    mel = MelSettings(n_fft=n_fft, hop_length=500, n_mels=4)
    assert not engine.fits_kernel(mel)
    stream = MelStream(mel, compiled=True)
    frames = [*stream.feed(noise(70_000)[:, 0]), *stream.finish()]
    assert sum(map(len, frames)) == 141


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("n_fft", [512, 1_024, 2_048, 4_096, 8_192])
@pytest.mark.parametrize("hop", [13, 512, 9_001])
def test_kernels_are_exact_in_bands_far_below_the_loudest(n_fft, hop, power):
    mel = MelSettings(n_fft=n_fft, hop_length=hop, n_mels=40, power=power)
    plan = mel_plan(mel)
    t = np.arange(15 * hop + n_fft)
    y = (np.sin(t * 0.01) + 1e-6 * np.random.default_rng(0).standard_normal(t.size)).astype("f4")
    frames = np.lib.stride_tricks.sliding_window_view(y, n_fft)[::hop][:16] * plan.window
    bands = np.abs(np.fft.rfft(frames, axis=1)) ** power @ plan.bank.T.astype("f8")
    expected = 20 / power * np.log10(np.maximum(bands, mel.amin ** (power / 2)))
    got = engine.compiled_frames(plan)(y, 16)
    assert np.ptp(expected) > 100.0
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_levels_are_rounded_to_half_precision_as_numpy_does():
    halves = np.arange(0x7C00, dtype="<u2").view("<f2").astype("f4")
    between = (halves[1:] + halves[:-1]) / 2
    positive = np.concatenate(
        [halves, between, np.nextafter(between, 0, dtype="f4"), [7e4, np.inf]]
    )
    values = np.concatenate([positive, -positive]).astype("f4")
    packed = np.empty(values.size, np.float16)
    assert engine.pack_half(values, packed, compiled=True) == np.inf
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(packed.view("u2"), values.astype("f2").view("u2"))


def test_a_kernel_does_not_depend_on_what_its_scratch_space_held():
    frames = engine.compiled_frames(mel_plan(MelSettings()))
    y, loud = noise(20_000)[:, 0], np.full(20_000, 1e6, np.float32)
    first = frames(y, 16)
    frames(loud, 16)
    np.testing.assert_array_equal(frames(y, 16), first)


TOKENS = st.sampled_from(["L", "R", "C", "Ls", "Rs", "LFE", "lfe", "S", "Lt", "x", "01", "v2"])
NAMES = st.builds(
    lambda base, sep, token, tail: f"{base}{sep}{token}{tail}.wav",
    st.sampled_from(["VLN", "1m02 Str", "a.b", "6mx", "CLK", "Ö", " "]),
    st.sampled_from([".", "_", "-", " ", " (", ""]),
    TOKENS,
    st.sampled_from(["", "_01", ".dup1", " v3", ")"]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.tuples(NAMES, st.integers(1, 3), st.integers(1, 8), st.booleans()),
        min_size=1,
        max_size=14,
        unique_by=lambda row: row[0],
    )
)
def test_whatever_the_names_every_file_is_told_of_and_names_are_unique(rows):
    headers = [
        AudioHeader(
            file=name,
            sample_rate=48_000,
            channels=channels,
            frames=frames,
            labels=tuple("ABCDEFGH"[:channels]),
            fault=f"'{name}' is empty." if faulty else None,
        )
        for name, frames, channels, faulty in rows
    ]
    if all(h.fault for h in headers):
        return
    inventory = arranged(headers)
    groups = (*inventory.groups, *inventory.final_mixes, *inventory.ignored)
    told = " ".join((*inventory.all_warnings, *(c.file for g in groups for c in g.channels)))
    told += " ".join(w for g in inventory.ignored for w in g.warnings)
    for header in headers:
        assert header.file in told or "CLK" in header.file
    assert len({g.canonical_name for g in groups}) == len(groups)
    for group in groups:
        labels = [c.label for c in group.channels]
        assert len(set(labels)) == len(labels)
