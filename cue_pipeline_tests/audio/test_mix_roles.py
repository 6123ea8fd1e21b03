"""Which groups are mixes: sums, fold-downs by ITU-R BS.775, old mixes, submixes, and what is not.

The music is made of shaped noise with rests, panned by equal power; what a group is follows from
how it was made.
"""

from collections.abc import Iterable

import numpy as np
import pytest
import scipy.signal
import soundfile as sf

from cue_pipeline.audio.final_mix import measure_residual
from cue_pipeline.audio.inventory import take_inventory
from cue_pipeline_tests.audio.wave_files import (
    NAMED_SO,
    bext_chunk,
    chunk,
    cue_folder,
    fmt_chunk,
    pcm16,
    write_audio,
    write_wave,
)  # fmt: skip

SR = 48_000
SIX = ("L", "C", "R", "Ls", "Rs", "LFE")
HALF = 10 ** (-3 / 20)  # BS.775: -3 dB


def taken(folder):
    return take_inventory(cue_folder(folder), sample_rate=SR, **NAMED_SO)


def roles(folder):
    inventory = taken(folder)
    return {g.canonical_name: g.role for g in (*inventory.groups, *inventory.final_mixes)}


def voice(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Return a part: noise in a band of its own, in strokes of its own, with rests."""
    random = np.random.default_rng(seed)
    n = int(seconds * SR)
    low = 100.0 * 2 ** (seed % 5)
    band = scipy.signal.butter(2, [low, 8 * low], "band", fs=SR, output="sos")
    y = scipy.signal.sosfilt(band, random.standard_normal(n))
    level = np.repeat(random.random(int(seconds * 8)) ** 2, SR // 8)
    return 0.2 * y * level / np.abs(y).max()


def stereo(seed: int, angle: float | None = None) -> np.ndarray:
    angle = 0.2 + 0.3 * (seed % 4) if angle is None else angle
    return voice(seed)[:, None] * [np.cos(angle), np.sin(angle)]


def surround(seed: int) -> np.ndarray:
    gains = np.roll([0.9, 0.5, 0.7, 0.4, 0.5, 0.2], seed)
    return np.stack(
        [g * voice(seed) + 0.1 * voice(100 + seed + 7 * i) for i, g in enumerate(gains)], 1
    )


def write(folder, name, y, labels: Iterable[str] = "LR", reference: int | None = None):
    y = y[:, None] if y.ndim == 1 else y
    for column, label in zip(y.T, labels if y.shape[1] > 1 else [""], strict=True):
        path = folder / (f"{name}.{label}.wav" if label else f"{name}.wav")
        if reference is None:
            write_audio(path, column, SR)
        else:
            data = chunk(b"data", pcm16(column))
            write_wave(path, bext_chunk(reference), fmt_chunk(sr=SR), data)


def write_stems(folder, make=stereo, names=("STR", "BRS", "PRC"), form="1m02 {}", **more):
    """Write stems; return their sum."""
    total = 0.0
    for seed, name in enumerate(names):
        y = make(seed)
        total = total + y
        write(folder, form.format(name), y, **more)
    return total


def processed(y):
    """Return a mix that went through an equaliser, a room and a limiter."""
    shelf = scipy.signal.butter(1, 2_000, "high", fs=SR, output="sos")
    y = y + 0.4 * scipy.signal.sosfilt(shelf, y, axis=0)
    random = np.random.default_rng(99)
    tail = (
        random.standard_normal((SR // 2, y.shape[1])) * np.exp(-np.arange(SR // 2) / 4_000)[:, None]
    )
    tail /= np.sqrt((tail**2).sum(axis=0))
    wet = [scipy.signal.fftconvolve(a, b)[: len(y)] for a, b in zip(y.T, tail.T, strict=True)]
    return 0.15 * np.tanh((y + 0.3 * np.stack(wet, 1)) / 0.15)


STEMS = {"1m02 STR": "stem", "1m02 BRS": "stem", "1m02 PRC": "stem"}


@pytest.mark.parametrize("trim", [1.0, 0.5, 1.4])
@pytest.mark.parametrize("name", ["1m02 6mx", "1m02 Full", "1m02 QQQ"])
def test_what_the_others_add_up_to_is_the_mix_whatever_its_name(tmp_path, name, trim):
    write(tmp_path, name, write_stems(tmp_path) * trim)
    assert roles(tmp_path) == STEMS | {name: "mix"}


@pytest.mark.parametrize("form", ["1m02 6mx {}", "1m02_{}_6MX", "6mx {}"])
@pytest.mark.parametrize("treat", [lambda y: y, processed])
def test_where_every_name_holds_the_pattern_one_is_the_mix(tmp_path, form, treat):
    mix = form.format("").strip(" _").replace("__", "_")
    write(tmp_path, mix, treat(write_stems(tmp_path, form=form)))
    inventory = taken(tmp_path)
    assert [g.canonical_name for g in inventory.final_mixes] == [mix]
    assert len(inventory.groups) == 3
    assert all("taken as" in g.warnings[-1] for g in inventory.groups)


def test_stems_whose_names_all_hold_the_pattern_are_no_mixes(tmp_path):
    write_stems(tmp_path, form="1m02 6mx {}")
    assert set(roles(tmp_path).values()) == {"stem"}


def test_an_ordinary_final_mix_stays_the_mix(tmp_path):
    write(tmp_path, "1m02 6mx", processed(write_stems(tmp_path)))
    inventory = taken(tmp_path)
    assert [(g.role, g.known_by) for g in inventory.final_mixes] == [("mix", "name")]
    assert not inventory.all_warnings


@pytest.mark.parametrize("treat", [lambda y: y, processed])
def test_fold_downs_are_known_with_and_without_a_name(tmp_path, treat):
    mix = treat(write_stems(tmp_path, surround, labels=SIX))
    left, centre, right, ls, rs, _ = mix.T
    turned = np.imag(scipy.signal.hilbert(HALF * (ls + rs)))
    both = HALF * centre
    loro = np.stack([left + both + HALF * ls, right + both + HALF * rs], 1)
    write(tmp_path, "1m02 6mx", mix, SIX)
    write(tmp_path, "1m02 2mx", loro * 0.7)
    write(tmp_path, "1m02 LtRt", np.stack([left + both - turned, right + both + turned], 1))
    write(tmp_path, "1m02 Zed", loro)
    write(tmp_path, "1m02 Mono", mix.mean(axis=1))
    folds = dict.fromkeys(["1m02 2mx", "1m02 LtRt", "1m02 Zed", "1m02 Mono"], "fold-down")
    assert roles(tmp_path) == STEMS | {"1m02 6mx": "mix"} | folds


def test_a_fold_down_is_known_where_there_is_no_mix(tmp_path):
    mix = write_stems(tmp_path, surround, labels=SIX)
    write(tmp_path, "1m02 2mx", mix[:, [0, 2]] + HALF * mix[:, [1]] + HALF * mix[:, [3, 4]])
    assert roles(tmp_path) == STEMS | {"1m02 2mx": "fold-down"}


@pytest.mark.parametrize("name", ["1m02 2mx", "1m02 LtRt", "1m02 REF", "1m02"])
def test_a_copy_of_the_mix_is_no_stem(tmp_path, name):
    total = write_stems(tmp_path)
    write(tmp_path, "1m02 6mx", total)
    write(tmp_path, name, total * 10 ** (-3 / 20))
    found = roles(tmp_path)
    assert found.pop(name) in {"mix", "old mix"}
    assert found == STEMS | {"1m02 6mx": "mix"}


def test_another_balance_under_a_mix_name_is_an_old_mix(tmp_path):
    write(tmp_path, "1m02 6mx v2", write_stems(tmp_path))
    write(tmp_path, "1m02 6mx v1", stereo(0) * 0.5 + stereo(1) * 1.3)
    assert roles(tmp_path) == STEMS | {"1m02 6mx v2": "mix", "1m02 6mx v1": "old mix"}


def test_a_submix_stays_a_stem_and_is_told_of(tmp_path):
    total = write_stems(tmp_path)
    write(tmp_path, "1m02 6mx", processed(total))
    write(tmp_path, "1m02 ORCH MIX", stereo(0) + stereo(1))
    inventory = taken(tmp_path)
    told = {g.canonical_name: g.warnings for g in inventory.groups}
    assert "is the sum of '1m02 BRS', '1m02 STR': a submix" in told["1m02 ORCH MIX"][0]
    assert [g.canonical_name for g in inventory.final_mixes] == ["1m02 6mx"]


def test_mono_stems_that_are_panned_into_a_mix_add_up_to_it(tmp_path):
    write_stems(tmp_path, voice)
    write(tmp_path, "1m02 Band", sum(stereo(i) for i in range(3)))
    assert roles(tmp_path) == STEMS | {"1m02 Band": "mix"}


@pytest.mark.parametrize("other", ["1m02 STR copy", "1m02 STR dup1", "1m02 Alto"])
def test_two_of_the_same_are_two_stems(tmp_path, other):
    write_stems(tmp_path)
    write(tmp_path, other, 0.5 * stereo(0))
    inventory = taken(tmp_path)
    assert {g.role for g in inventory.groups} == {"stem"}
    assert not inventory.final_mixes
    told = {g.canonical_name: g.warnings for g in inventory.groups if g.warnings}
    assert list(told) == [other]
    assert f"'{other}' sounds the same as '1m02 STR'" in told[other][0]


def test_one_stem_and_its_mix_go_by_their_names(tmp_path):
    write(tmp_path, "1m02 STR", stereo(0))
    write(tmp_path, "1m02 6mx", stereo(0))
    assert roles(tmp_path) == {"1m02 STR": "stem", "1m02 6mx": "mix"}


def test_a_silent_stem_is_a_stem_beside_a_sum(tmp_path):
    write(tmp_path, "1m02 Full", write_stems(tmp_path))
    write(tmp_path, "1m02 CHR", np.zeros((4 * SR, 2)))
    assert roles(tmp_path) == STEMS | {"1m02 Full": "mix", "1m02 CHR": "stem"}


@pytest.mark.parametrize("name", ["1m02 Print", "Everything"])
def test_a_limited_mix_that_no_name_tells_is_known_by_its_sound(tmp_path, name):
    write(tmp_path, name, 0.2 * np.tanh(write_stems(tmp_path) / 0.15))
    inventory = taken(tmp_path)
    assert [g.canonical_name for g in inventory.final_mixes] == [name]
    assert "what the other stems add up to" in inventory.final_mixes[0].warnings[0]


def test_a_mix_that_is_silent_where_the_stems_sound_is_told_of(tmp_path):
    write(tmp_path, "1m02 6mx", 0.0 * write_stems(tmp_path))
    (mix,) = taken(tmp_path).final_mixes
    assert "'1m02 6mx' is silent where the stems sound" in mix.warnings[0]


@pytest.mark.parametrize(
    ("turned", "told"), [(np.negative, "opposite polarity"), (np.fliplr, "exchanged")]
)
def test_a_mix_that_is_upside_down_or_exchanges_its_channels_is_told_of(tmp_path, turned, told):
    total = sum(noise_of_two(seed) for seed in range(3))
    write_stems(tmp_path, noise_of_two)
    write(tmp_path, "1m02 6mx", turned(total))
    (mix,) = taken(tmp_path).final_mixes
    assert mix.role == "mix"
    assert told in mix.warnings[0]


def noise_of_two(seed):
    return np.stack([voice(seed), voice(seed + 50)], 1)


def test_stems_that_hold_nothing_but_a_2_pop_are_no_copies(tmp_path):
    pop = np.zeros((4 * SR, 2))
    pop[:1_600] = 0.1 * np.sin(2 * np.pi * 1_000 * np.arange(1_600) / SR)[:, None]
    write_stems(tmp_path, lambda seed: stereo(seed) + pop)
    for name in ("1m02 CHR", "1m02 FX"):
        write(tmp_path, name, pop)
    assert not any(g.warnings for g in taken(tmp_path).groups)


def test_a_stem_that_is_muted_in_the_mix_stays_a_stem(tmp_path):
    total = write_stems(tmp_path)
    write(tmp_path, "1m02 6mx", total)
    write(tmp_path, "1m02 VOX", stereo(3))
    assert roles(tmp_path) == STEMS | {"1m02 6mx": "mix", "1m02 VOX": "stem"}


@pytest.mark.parametrize("worked", [lambda y: y, processed])
def test_a_mix_by_its_name_that_half_of_the_stems_are_no_part_of_is_told(tmp_path, worked):
    total = write_stems(tmp_path)
    for seed, name in enumerate(("VOX", "PNO", "GTR"), 3):
        write(tmp_path, f"1m02 {name}", stereo(seed))
    write(tmp_path, "1m02 Strings 6mx", worked(total))
    (mix,) = taken(tmp_path).final_mixes
    (told,) = [text for text in mix.warnings if "nothing of" in text]
    assert "nothing of '1m02 GTR', '1m02 PNO', '1m02 VOX' is in it" in told


def test_numbered_tracks_are_no_hint_of_a_mix(tmp_path):
    write_stems(tmp_path, names=("1_01", "2_01", "3_02"), form="Audio {}")
    inventory = taken(tmp_path)
    assert not inventory.final_mixes
    assert not inventory.all_warnings


def test_mono_mixes_that_may_be_the_channels_of_one_say_so(tmp_path):
    for n, part in enumerate(("Zentrum", "Vorne", "Hinten", "Tief")):
        reverb = 0.3 * voice(n)
        write(tmp_path, f"1m02 6mx_{part}", (0.3 + 0.1 * n) * (voice(8) + voice(9)) + reverb)
    for n in (8, 9):
        write(tmp_path, f"VLN {n}", voice(n))
    mixes = taken(tmp_path).final_mixes
    assert len(mixes) == 4
    assert all("is one of 4 mono mixes" in " ".join(mix.warnings) for mix in mixes)


def test_a_cue_that_is_only_mixes_has_no_stems(tmp_path):
    mix = processed(write_stems(tmp_path / "elsewhere", surround, labels=SIX))
    (tmp_path / "cue").mkdir()
    write(tmp_path / "cue", "1m02 6mx", mix, SIX)
    write(tmp_path / "cue", "1m02 2mx", mix[:, [0, 2]] + HALF * mix[:, [1]])
    assert roles(tmp_path / "cue") == {"1m02 6mx": "mix", "1m02 2mx": "fold-down"}


# ---- where groups begin

HOUR = 3_600 * SR


def starts(folder):
    inventory = taken(folder)
    groups = (*inventory.groups, *inventory.final_mixes)
    return {g.canonical_name: g.start_offset_seconds for g in groups}, inventory


@pytest.mark.parametrize("late", [0, 480, 12_345, 70_001])
@pytest.mark.parametrize("stamp", [0, 2**64 - 1, HOUR], ids=["zero", "all ones", "as the stems"])
def test_a_mix_whose_stamp_cannot_be_is_placed_by_its_sound(tmp_path, late, stamp):
    total = write_stems(tmp_path, reference=HOUR)
    write(tmp_path, "1m02 6mx", total[late:], reference=stamp)
    found, inventory = starts(tmp_path)
    assert found == dict.fromkeys(STEMS, 0.0) | {"1m02 6mx": pytest.approx(late / SR, abs=1e-9)}
    residual = measure_residual(tmp_path, inventory.final_mixes[0], inventory.groups)
    assert residual.residual_db < -50.0  # quiet music in 16 bits
    if late or stamp != HOUR:
        assert any("'1m02 6mx'" in w for w in inventory.all_warnings)
    else:
        assert not inventory.all_warnings


def test_a_stem_that_stands_elsewhere_than_it_is_stamped_is_moved(tmp_path):
    total = write_stems(tmp_path, reference=HOUR)
    write(tmp_path, "1m02 6mx", processed(total), reference=HOUR)
    write(tmp_path, "1m02 PRC", stereo(2)[SR + 7 :], reference=HOUR)
    found, inventory = starts(tmp_path)
    assert found["1m02 PRC"] == pytest.approx((SR + 7) / SR, abs=2.5 / SR)
    assert found["1m02 STR"] == found["1m02 BRS"] == found["1m02 6mx"] == 0.0
    assert next(g for g in inventory.groups if "PRC" in g.canonical_name).time_reference is None
    assert [w for w in inventory.all_warnings if "by its sound" in w]


def test_a_mix_of_other_music_moves_nothing(tmp_path):
    write_stems(tmp_path, reference=HOUR)
    other = sum(stereo(seed) for seed in (20, 21, 22))
    write(tmp_path, "1m02 6mx", processed(other), reference=HOUR)
    found, inventory = starts(tmp_path)
    assert set(found.values()) == {0.0}
    assert not inventory.all_warnings


def test_a_mix_that_no_stem_meets_has_no_residual(tmp_path):
    write_stems(tmp_path, reference=HOUR)
    write(tmp_path, "1m02 6mx", stereo(20), reference=HOUR + 5 * SR)
    _, inventory = starts(tmp_path)
    residual = measure_residual(tmp_path, inventory.final_mixes[0], inventory.groups)
    assert residual.residual_db is None
    assert "no stem sounds while the mix does" in residual.method


def coded(folder, name, y, container="MP3", subtype="MPEG_LAYER_III"):
    suffix = {"MP3": "mp3", "OGG": "ogg"}[container]
    sf.write(folder / f"{name}.{suffix}", y, SR, format=container, subtype=subtype)


@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")])
@pytest.mark.parametrize("delay", [0, 1_105])  # samples, of an MP3 decoder that nobody told
@pytest.mark.parametrize("name", ["1m02 REF", pytest.param("1m02 Listen", marks=pytest.mark.slow)])
def test_a_mix_that_was_coded_with_loss_is_no_stem(tmp_path, container, subtype, delay, name):
    total = write_stems(tmp_path)
    write(tmp_path, "1m02 6mx", total)
    coded(tmp_path, name, np.vstack([np.zeros((delay, 2)), total]), container, subtype)
    found = roles(tmp_path)
    assert found.pop(name) in {"mix", "old mix"}
    assert found == STEMS | {"1m02 6mx": "mix"}


def test_a_stem_that_was_coded_with_loss_stays_one(tmp_path):
    total = write_stems(tmp_path)
    one = stereo(3)
    write(tmp_path, "1m02 6mx", total + one)
    coded(tmp_path, "1m02 WW", one)
    assert roles(tmp_path) == STEMS | {"1m02 WW": "stem", "1m02 6mx": "mix"}


def test_a_mix_that_holds_a_stem_which_nobody_delivered_says_so(tmp_path):
    write(tmp_path, "1m02 6mx", write_stems(tmp_path) + stereo(3))
    (mix,) = taken(tmp_path).final_mixes
    assert "something else that is in none of them" in mix.warnings[0]


def test_a_mix_that_ends_long_before_its_stems_says_so(tmp_path):
    total = write_stems(tmp_path)
    write(tmp_path, "1m02 6mx", total[: SR * 2])
    (mix,) = taken(tmp_path).final_mixes
    assert "ends after 2.0 s, and half of the stems go on to 4.0 s" in mix.warnings[-1]
