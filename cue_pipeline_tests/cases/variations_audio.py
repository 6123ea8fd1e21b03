"""Odd audio that nobody reported yet: at least two cues of each kind that was."""

import io
import json
import re
import struct
from collections.abc import Callable, Iterator

import numpy as np
import soundfile as sf

from cue_pipeline_tests.cases.building import (
    SR,
    NewCue,
    aiff,
    bext,
    caf,
    chunk,
    fmt,
    noise,
    pcm24,
    riff,
    split,
    wav,
)
from cue_pipeline_tests.cases.cue_view import CueView, Finding
from cue_pipeline_tests.cases.reported import (
    Rule,
    in_order,
    is_told,
    lasts,
    layouts,
    near,
    not_told,
    ready,
)

Writer = Callable[[NewCue], Rule]


def coded(y: np.ndarray, container: str, subtype: str) -> bytes:
    """Return samples as a codec writes them that loses some."""
    out = io.BytesIO()
    sf.write(out, y, SR, format=container, subtype=subtype)
    return out.getvalue()


AUDIO: dict[str, Writer] = {}
HOUR = 3600 * SR


def variation(writer: Writer) -> Writer:
    """Enter a writer under its name; it writes the cue and returns what must become of it."""
    AUDIO[writer.__name__] = writer
    return writer


def all_of(*claims: Callable[[CueView], Finding]) -> Rule:
    """Return a rule of several claims."""

    def rule(view: CueView) -> Iterator[Finding]:
        for claim in claims:
            yield claim(view)

    return rule


def told(pattern: str) -> Callable[[CueView], Finding]:
    return lambda view: is_told(view, pattern)


def quiet(pattern: str) -> Callable[[CueView], Finding]:
    return lambda view: not_told(view, pattern)


def length(stem: str, seconds: float) -> Callable[[CueView], Finding]:
    return lambda view: lasts(view, stem, seconds)


def kinds(**expected: int) -> Callable[[CueView], Finding]:
    return lambda view: layouts(view, **expected)


def order(name: str, labels: str) -> Callable[[CueView], Finding]:
    def claim(view: CueView) -> Finding:
        row = {**view.stems, **view.mixes}.get(name)
        if row is None:
            return Finding(f"{name} is there (found {[*view.stems, *view.mixes]})", right=False)
        return in_order(view, row, labels)

    return claim


def mixes(**expected: int) -> Callable[[CueView], Finding]:
    def claim(view: CueView) -> Finding:
        found: dict[str, int] = {}
        for row in view.mixes.values():
            key = row["layout"]
            found[key] = found.get(key, 0) + 1
        return Finding(f"mixes by layout are {expected} (found {found})", found == expected)

    return claim


def stems(*names: str) -> Callable[[CueView], Finding]:
    return lambda view: Finding(
        f"stems are {sorted(names)} (found {sorted(view.stems)})", set(view.stems) == set(names)
    )


def reference(stem: str, samples: int | None) -> Callable[[CueView], Finding]:
    def claim(view: CueView) -> Finding:
        found = view.stems[stem]["time_reference"]
        return Finding(f"{stem} begins at {samples} (found {found})", found == samples)

    return claim


def summed(name: str) -> Callable[[CueView], Finding]:
    def claim(view: CueView) -> Finding:
        found = view.mixes[name]["residual_db"] if name in view.mixes else None
        return Finding(
            f"the stems sum to {name} (found {found} dB)", found is not None and found < -60
        )

    return claim


def together(view: CueView) -> Finding:
    rows = [*view.mixes.values(), *view.stems.values()]
    starts = [r["start_offset_seconds"] for r in rows if r["start_offset_seconds"] is not None]
    apart = max(starts) - min(starts) if starts else 0.0
    return Finding(f"all begin together (found {apart:g} s apart)", apart < 0.001)


# ------------------------------------------------------------------ sizes


@variation
def wave_with_ff_bytes_behind(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise(2)) + b"\xff" * 100_000})
    return all_of(ready, length("VLN_01", 2))


@variation
def aiff_with_zeros_behind(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.aif": aiff(noise(2)) + bytes(70_000)})
    return all_of(ready, length("VLN_01", 2))


@variation
def data_size_zero_after_a_crash(cue: NewCue) -> Rule:
    data = pcm24(noise(3))
    cue.audio({"VLN_01.wav": riff(fmt(), chunk(b"data", data, 0), size=36)})
    return all_of(ready, length("VLN_01", 3), told("VLN_01"))


@variation
def sizes_of_a_stream(cue: NewCue) -> Rule:
    data = chunk(b"data", pcm24(noise(3)), 0xFFFFFFFF)
    cue.audio({"VLN_01.wav": riff(fmt(), data, size=0xFFFFFFFF)})
    return all_of(ready, length("VLN_01", 3))


@variation
def ds64_says_less(cue: NewCue) -> Rule:
    data = pcm24(noise(4))
    ds64 = chunk(b"ds64", struct.pack("<QQQI", SR * 3, SR * 3, SR, 0))
    body = chunk(b"data", data, 0xFFFFFFFF)
    cue.audio({"VLN_01.wav": riff(ds64, fmt(), body, magic=b"RF64", size=0xFFFFFFFF)})
    return all_of(ready, length("VLN_01", 4), told("VLN_01"))


@variation
def odd_list_without_its_pad_byte(cue: NewCue) -> Rule:
    odd = chunk(b"LIST", b"INFOISFT\x05\0\0\0Nuend", pad=False)
    cue.audio({"VLN_01.wav": riff(fmt(), odd, chunk(b"data", pcm24(noise(2))))})
    return all_of(ready, length("VLN_01", 2))


@variation
def two_pad_bytes_before_the_samples(cue: NewCue) -> Rule:
    odd = chunk(b"junk", bytes(7)) + b"\0"
    cue.audio({"VLN_01.wav": riff(bext(HOUR), fmt(), odd, chunk(b"data", pcm24(noise(2))))})
    return all_of(ready, length("VLN_01", 2), reference("VLN_01", HOUR))


@variation
def fact_and_averages_lie(cue: NewCue) -> Rule:
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, SR, 12345, 3, 24))
    fact = chunk(b"fact", struct.pack("<I", 7))
    cue.audio({"VLN_01.wav": riff(head, fact, chunk(b"data", pcm24(noise(2))))})
    return all_of(ready, length("VLN_01", 2))


@variation
def three_bytes_called_words_of_four(cue: NewCue) -> Rule:
    said = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, SR, 4 * SR, 4, 24))
    cue.audio({"VLN_01.wav": riff(said, chunk(b"data", pcm24(noise(3))))})
    return all_of(ready, length("VLN_01", 3), told("VLN_01.*contradicts"))


@variation
def floats_tagged_as_integers(cue: NewCue) -> Rule:
    y = noise(2)
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, SR, SR * 4, 4, 32))
    data = chunk(b"data", y.astype("<f4").tobytes())
    cue.audio({"VLN_01.wav": riff(head, data)})
    true = 20 * np.log10(np.abs(y).max())

    def rule(view: CueView) -> Iterator[Finding]:
        found = view.stems["VLN_01"]["peak_dbfs"]
        yield Finding(f"its peak is {true:.2f} dB (found {found})", near(found, true, 0.1), "float")
        yield is_told(view, "VLN_01.*float")

    return rule


@variation
def integers_tagged_as_floats(cue: NewCue) -> Rule:
    y = noise(2)
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 3, 1, SR, SR * 4, 4, 32))
    data = chunk(b"data", (y * 2**31).astype("<i4").tobytes())
    cue.audio({"VLN_01.wav": riff(head, data)})
    true = 20 * np.log10(np.abs(y).max())

    def rule(view: CueView) -> Iterator[Finding]:
        found = view.stems.get("VLN_01", {}).get("peak_dbfs")
        yield Finding(
            f"its peak is {true:.2f} dB (found {found})", near(found, true, 0.1), "VLN_01"
        )
        yield is_told(view, "VLN_01.*(integer|float)")

    return rule


def _fading(seconds: float, f0: float) -> np.ndarray:
    """Return strokes that fade to nothing, shape=(n_samples, 1)."""
    t = np.arange(round(seconds * SR)) / SR
    return (0.4 * np.sin(2 * np.pi * f0 * t) * np.exp(-9 * (t % 1)))[:, None]


@variation
def big_endian_words_in_a_plain_wave_file(cue: NewCue) -> Rule:
    y = _fading(4, 220)
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, SR, SR * 2, 2, 16))
    data = chunk(b"data", np.round(y * 2**15).astype(">i2").tobytes())
    cue.audio({"VLN_01.wav": riff(head, data)})
    true = 20 * np.log10(np.abs(y).max())

    def rule(view: CueView) -> Iterator[Finding]:
        found = view.stems.get("VLN_01", {}).get("peak_dbfs")
        yield Finding(
            f"its peak is {true:.2f} dB (found {found})", near(found, true, 0.1), "endian"
        )
        yield is_told(view, "VLN_01.*big-endian")

    return rule


@variation
def two_channels_that_are_called_one(cue: NewCue) -> Rule:
    y = np.hstack([_fading(4, 220), _fading(4, 330)])
    cue.audio({"VLN_01.wav": riff(fmt(), chunk(b"data", pcm24(y)))})
    return all_of(ready, length("VLN_01", 4), kinds(stereo=1), told("VLN_01.*2 channels"))


@variation
def one_channel_that_is_called_two(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": riff(fmt(2), chunk(b"data", pcm24(_fading(4, 220))))})
    return all_of(ready, length("VLN_01", 4), kinds(mono=1), told("VLN_01.*1 channel"))


@variation
def a_flac_file_that_lost_its_end(cue: NewCue) -> Rule:
    whole = bytearray(coded(noise(4), "FLAC", "PCM_24"))
    cue.audio({"VLN_01.flac": bytes(whole[: len(whole) // 2])})

    def most_of_a_half(view: CueView) -> Finding:
        found = view.stems["VLN_01"]["duration_seconds"]
        return Finding(f"about half is kept (found {found:.2f} s)", 1.8 < found <= 4.0)

    return all_of(ready, most_of_a_half, told("VLN_01"))


@variation
def a_flac_file_that_counts_half_its_samples(cue: NewCue) -> Rule:
    data = bytearray(coded(noise(4), "FLAC", "PCM_24"))
    count = int.from_bytes(data[18:26], "big")
    data[18:26] = (count & ~((1 << 36) - 1) | 2 * SR).to_bytes(8, "big")
    cue.audio({"VLN_01.flac": bytes(data)})
    return all_of(ready, length("VLN_01", 4), told("VLN_01"))


@variation
def a_flac_file_with_a_damaged_frame(cue: NewCue) -> Rule:
    data = bytearray(coded(noise(4), "FLAC", "PCM_24"))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    cue.audio({"VLN_01.flac": bytes(data)})
    return all_of(ready, length("VLN_01", 4), told("VLN_01"))


# ------------------------------------------------------------------ masks and layouts


@variation
def a_mono_that_says_lfe(cue: NewCue) -> Rule:
    cue.audio(
        {"VLN_01.wav": wav(noise(seed=1), mask=8), "HRN_01.wav": wav(noise(seed=2), mask=0x200)}
    )
    return all_of(ready, kinds(mono=2), quiet("lacks"))


@variation
def a_caf_in_the_order_of_mpeg_d(cue: NewCue) -> Rule:
    cue.audio({"1m02 6mx.caf": caf(noise(2, 6), 124 << 16 | 6), "VLN_01.wav": wav(noise(2))})
    return all_of(ready, order("1m02 6mx", "C L R Ls Rs LFE"))


@variation
def an_aiff_in_the_order_of_mpeg_b(cue: NewCue) -> Rule:
    cue.audio({"1m02 6mx.aif": aiff(noise(2, 6), 122 << 16 | 6), "VLN_01.wav": wav(noise(2))})
    return all_of(ready, order("1m02 6mx", "L R Ls Rs C LFE"))


@variation
def eight_channels_without_a_word(cue: NewCue) -> Rule:
    cue.audio({"1m02 6mx.wav": wav(noise(2, 8)), "VLN_01.wav": wav(noise(2))})
    return all_of(ready, told("6mx.*order|order.*6mx"))


@variation
def six_channels_with_an_empty_mask(cue: NewCue) -> Rule:
    cue.audio({"1m02 6mx.wav": wav(noise(2, 6), mask=0), "VLN_01.wav": wav(noise(2))})
    return all_of(ready, told("6mx.*order|order.*6mx"))


# ------------------------------------------------------------------ references


@variation
def a_reference_of_two_to_the_63(cue: NewCue) -> Rule:
    cue.audio(
        {"VLN_01.wav": wav(noise(2), before=bext(2**63)), "HRN_01.wav": wav(noise(2, seed=2))}
    )
    return all_of(ready, reference("VLN_01", None), told("VLN_01.*reference"))


@variation
def a_reference_beyond_a_day(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise(2), before=bext(2**32 - 1)), "HRN_01.wav": wav(noise(2))})
    return all_of(ready, told("VLN_01.*reference"))


def _stamped(cue: NewCue, strings: int, horns: int, mix: int) -> None:
    a, b = noise(2, 2, seed=21), noise(2, 2, seed=22)
    for name, y, at in (("VLN_01", a, strings), ("HRN_01", b, horns), ("1m02 6mx", a + b, mix)):
        cue.audio(split(f"{name}.{{}}.wav", y, "LR", before=bext(at)))


@variation
def a_mix_at_ten_hours(cue: NewCue) -> Rule:
    _stamped(cue, HOUR, HOUR, 10 * HOUR)
    return all_of(ready, summed("1m02 6mx"), together, told("reference"))


@variation
def stems_at_zero_below_a_mix_at_one_hour(cue: NewCue) -> Rule:
    _stamped(cue, 0, 0, HOUR)
    return all_of(ready, summed("1m02 6mx"), together, told("reference"))


@variation
def a_reference_counted_at_44100(cue: NewCue) -> Rule:
    _stamped(cue, HOUR, 3600 * 44_100, HOUR)
    return all_of(ready, summed("1m02 6mx"), together, told("HRN_01.*reference|reference.*HRN_01"))


@variation
def a_reference_counted_at_192000(cue: NewCue) -> Rule:
    _stamped(cue, HOUR, 3600 * 192_000, HOUR)
    return all_of(ready, summed("1m02 6mx"), together, told("HRN_01.*reference|reference.*HRN_01"))


@variation
def references_that_are_right(cue: NewCue) -> Rule:
    a, b = noise(2, 2, seed=21), noise(1, 2, seed=22)
    late = np.vstack([np.zeros((SR // 2, 2)), b, np.zeros((SR // 2, 2))])
    for name, y, at in (
        ("VLN_01", a, HOUR),
        ("HRN_01", b, HOUR + SR // 2),
        ("1m02 6mx", a + late, HOUR),
    ):
        cue.audio(split(f"{name}.{{}}.wav", y, "LR", before=bext(at)))
    return all_of(
        ready, summed("1m02 6mx"), reference("HRN_01", HOUR + SR // 2), quiet("reference")
    )


# ------------------------------------------------------------------ names


@variation
def hands_in_small_letters(cue: NewCue) -> Rule:
    names = ("Celeste lh", "Celeste rh", "Harp_LH_02", "Harp_RH_02")
    cue.audio({f"{n}.wav": wav(noise(seed=i)) for i, n in enumerate(names)})
    return all_of(ready, kinds(mono=4), quiet("lacks"))


@variation
def sections_left_and_right_of_words(cue: NewCue) -> Rule:
    names = ("Boom 1", "Sub", "Solo L", "Kick Sub", "Perc BR")
    cue.audio({f"{n}.wav": wav(noise(seed=i)) for i, n in enumerate(names)})
    return all_of(ready, quiet("lacks (L, C|C)"), lambda v: Finding(
        f"five monos (found {[(n, r['layout']) for n, r in v.stems.items()]})",
        [r["layout"] for r in v.stems.values()] == ["mono"] * 5))  # fmt: skip


@variation
def seven_one_by_ffmpeg(cue: NewCue) -> Rule:
    labels = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")
    cue.audio(split("1m02 6mx_{}.wav", noise(1, 8), labels))
    cue.audio(split("1m02 STR_{}.wav", noise(1, 2), ("FL", "FR")))
    return all_of(ready, mixes(**{"7.1": 1}), kinds(stereo=1))


@variation
def channels_by_their_angles(cue: NewCue) -> Rule:
    labels = ("M+030", "M-030", "M+000", "LFE1", "M+110", "M-110")
    cue.audio(split("1m02 6mx_{}.wav", noise(1, 6), labels))
    cue.audio({"1m02 VLN.wav": wav(noise())})
    return all_of(ready, mixes(**{"5.1": 1}), kinds(mono=1))


@variation
def sides_in_other_languages(cue: NewCue) -> Rule:
    for n, pair in enumerate((("links", "rechts"), ("gauche", "droite"), ("izq", "der"))):
        cue.audio(split(f"1m02 PERC {n + 1}_{{}}.wav", noise(1, 2, n), pair))
    cue.audio(split("铜管{}.wav", noise(1, 2, 9), "左右"))
    return all_of(ready, kinds(stereo=4))


@variation
def italian_and_turkish_sides(cue: NewCue) -> Rule:
    for n, pair in enumerate((("sx", "dx"), ("Sin", "Des"), ("sol", "sağ"))):
        cue.audio(split(f"1m02 PERC {n + 1}_{{}}.wav", noise(1, 2, n), pair))
    return all_of(ready, kinds(stereo=3), quiet("letters|hash"))


@variation
def mid_and_side_by_letters(cue: NewCue) -> Rule:
    cue.audio(split("1m02 OH.{}.wav", noise(1, 2), "MS"))
    cue.audio(split("1m02 AMB_{}_01.wav", noise(1, 2, 2), "MS"))
    return all_of(ready, told("1m02 OH.*mid and side"), told("1m02 AMB.*mid and side"))


@variation
def hashes_behind_the_channels(cue: NewCue) -> Rule:
    cue.audio(split("1m02 VLN.{}.wav", noise(1, 2), ("L-8f3a2b1c", "R-1d2e3f40")))
    cue.audio(split("1m02 HRN_{}.wav", noise(1, 2, 2), ("L_5F3A", "R_5F3B")))
    return all_of(ready, kinds(stereo=2), told("1m02 VLN.*hash"), told("1m02 HRN.*hash"))


@variation
def a_centre_called_ce(cue: NewCue) -> Rule:
    cue.audio(split("1m02 STR_{}.wav", noise(1, 6), ("FL", "FR", "CE", "LF", "SL", "SR")))
    return all_of(ready, kinds(**{"5.1": 1}))


@variation
def five_one_side_by_ffmpeg(cue: NewCue) -> Rule:
    cue.audio(split("1m02 6mx.{}.wav", noise(1, 6), ("FL", "FR", "FC", "LFE", "SL", "SR")))
    cue.audio({"1m02 VLN.wav": wav(noise())})
    return all_of(ready, mixes(**{"5.1": 1}), kinds(mono=1))


@variation
def left_and_right_in_words(cue: NewCue) -> Rule:
    cue.audio(split("1m02 VLN_{}.wav", noise(1, 2), ("Left", "Right")))
    cue.audio(split("1m02 HRN ({}).wav", noise(1, 2, 1), "LR"))
    cue.audio(split("1m02 CEL-{}.wav", noise(1, 2, 2), "LR"))
    return all_of(ready, kinds(stereo=3))


@variation
def eight_of_an_array(cue: NewCue) -> Rule:
    cue.audio(split("1m02 6mx.A{}.wav", noise(1, 8), "12345678"))
    cue.audio({"1m02 VLN.wav": wav(noise())})
    return all_of(ready, told("6mx.*order|order.*6mx"), lambda v: Finding(
        f"one mix of eight (found {list(v.mixes)})",
        [len(json.loads(r["channels"])) for r in v.mixes.values()] == [8]))  # fmt: skip


@variation
def copies_of_windows_and_twice_ended_names(cue: NewCue) -> Rule:
    cue.audio(split("VLN.{} - Copy.wav", noise(1, 2), "LR"))
    cue.audio(split("HRN.{} (2).wav", noise(1, 2, 1), "LR"))
    cue.audio(split("CEL.{}.wav.wav", noise(1, 2, 2), "LR"))
    return all_of(ready, kinds(stereo=3))


@variation
def delivery_tails(cue: NewCue) -> Rule:
    cue.audio(split("1m02 VLN.{}_v3a.wav", noise(1, 2), "LR"))
    cue.audio(split("1m02 HRN_{}_48k_24b_23976.wav", noise(1, 2, 1), "LR"))
    cue.audio(split("1m02 CEL.{}_STEM.wav", noise(1, 2, 2), "LR"))
    return all_of(ready, kinds(stereo=3))


@variation
def channels_that_are_counted_too(cue: NewCue) -> Rule:
    for i, label in enumerate(("L", "C", "R", "Ls", "Rs", "LFE")):
        cue.audio({f"1m02 STR_{i + 1}_{label}.wav": wav(noise(1, 1, i))})
        cue.audio({f"1m02 BRS_{label}_{i + 1:02d}.wav": wav(noise(1, 1, 10 + i))})
    return all_of(ready, kinds(**{"5.1": 2}), order("1m02 STR", "L C R Ls Rs LFE"))


# ------------------------------------------------------------------ mixes


def _three(cue: NewCue, pattern: str, labels: str | tuple[str, ...]) -> np.ndarray:
    total = np.zeros((2 * SR, len(labels)))
    for seed, name in enumerate(("STR", "BRS", "PRC")):
        y = noise(2, len(labels), seed=30 + seed)
        total += y
        cue.audio(split(pattern.format(name) + ".{}.wav", y, labels))
    return total


@variation
def all_say_6mx_and_one_says_full(cue: NewCue) -> Rule:
    total = _three(cue, "1m05_6mx_{}", "LR")
    cue.audio(split("1m05_6mx_FULL.{}.wav", total, "LR"))
    return all_of(ready, stems("1m05_6mx_STR", "1m05_6mx_BRS", "1m05_6mx_PRC"), mixes(stereo=1))


@variation
def a_reference_mix_three_db_down(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total, "LR"))
    cue.audio(split("1m05 REF.{}.wav", total * 10 ** (-3 / 20), "LR"))
    return all_of(ready, stems("1m05 STR", "1m05 BRS", "1m05 PRC"), summed("1m05 6mx"))


@variation
def a_fold_down_beside_the_surround_mix(cue: NewCue) -> Rule:
    labels = ("L", "C", "R", "Ls", "Rs", "LFE")
    total = _three(cue, "1m05 {}", labels)
    cue.audio(split("1m05 6mx.{}.wav", total, labels))
    half = np.sqrt(0.5)
    left = total[:, [0]] + half * total[:, [1]] + half * total[:, [3]]
    right = total[:, [2]] + half * total[:, [1]] + half * total[:, [4]]
    cue.audio(split("1m05 Stereo.{}.wav", np.hstack([left, right]), "LR"))

    def rule(view: CueView) -> Iterator[Finding]:
        yield stems("1m05 STR", "1m05 BRS", "1m05 PRC")(view)
        yield summed("1m05 6mx")(view)
        role = view.mixes.get("1m05 Stereo", {}).get("role")
        yield Finding(f"the stereo is a fold-down (found {role})", role == "fold-down")

    return rule


@variation
def a_stem_that_is_two_others(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    extra = noise(2, 2, seed=50)
    high = noise(2, 2, seed=30) + noise(2, 2, seed=31)
    cue.audio(split("1m05 WW.{}.wav", extra, "LR"))
    cue.audio(split("1m05 ORCH SUB.{}.wav", high, "LR"))
    cue.audio(split("1m05 6mx.{}.wav", total + extra, "LR"))

    def rule(view: CueView) -> Iterator[Finding]:
        kept = "1m05 ORCH SUB" in view.stems or "1m05 ORCH SUB" in view.mixes
        yield Finding("the submix is kept", kept)
        yield is_told(view, "ORCH SUB")

    return rule


@variation
def a_mix_with_left_and_right_exchanged(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total[:, ::-1], "LR"))
    return all_of(ready, mixes(stereo=1), told("1m05 6mx.*exchanged"))


@variation
def a_mix_upside_down(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", -total, "LR"))
    return all_of(ready, mixes(stereo=1), told("1m05 6mx.*opposite polarity"))


@variation
def a_limited_mix_of_no_mix_name(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 Print.{}.wav", np.tanh(2 * total) / 2, "LR"))
    return all_of(ready, stems("1m05 STR", "1m05 BRS", "1m05 PRC"), told("Print.*as the mix"))


@variation
def a_mix_of_nothing_but_zeros(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", 0 * total, "LR"))
    return all_of(ready, told("1m05 6mx.*silent"))


@variation
def a_stem_twice_at_two_levels(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 STR old.{}.wav", 0.5 * noise(2, 2, seed=30), "LR"))
    cue.audio(split("1m05 6mx.{}.wav", total, "LR"))
    return all_of(ready, mixes(stereo=1), told("STR old' sounds the same as '1m05 STR"))


@variation
def a_mix_in_mp3_to_listen_to(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total, "LR"))
    late = np.vstack([np.zeros((1_105, 2)), total])  # what an encoder puts in front
    cue.audio({"1m05 REF.mp3": coded(late, "MP3", "MPEG_LAYER_III")})
    return all_of(ready, stems("1m05 STR", "1m05 BRS", "1m05 PRC"), told("REF.*coded with loss"))


@variation
def a_mix_in_ogg_of_no_mix_name(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total, "LR"))
    cue.audio({"1m05 Listen.ogg": coded(total, "OGG", "VORBIS")})
    return all_of(ready, stems("1m05 STR", "1m05 BRS", "1m05 PRC"), told("Listen.*coded with loss"))


@variation
def a_mix_of_more_than_its_stems(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total + noise(2, 2, seed=77), "LR"))
    return all_of(ready, mixes(stereo=1), told("1m05 6mx.*in none of them"))


@variation
def a_mix_that_ends_early(cue: NewCue) -> Rule:
    total = _three(cue, "1m05 {}", "LR")
    cue.audio(split("1m05 6mx.{}.wav", total[:SR], "LR"))
    return all_of(ready, mixes(stereo=1), told("1m05 6mx.*ends after"))


@variation
def only_stems(cue: NewCue) -> Rule:
    _three(cue, "1m05 {}", "LR")
    return all_of(ready, stems("1m05 STR", "1m05 BRS", "1m05 PRC"), mixes())


@variation
def only_a_mix(cue: NewCue) -> Rule:
    cue.audio(split("1m05 6mx.{}.wav", noise(2, 2), "LR"))
    return all_of(ready, stems(), mixes(stereo=1))


# ------------------------------------------------------------------ what is not read


@variation
def one_session_a_folder_deeper(cue: NewCue) -> Rule:
    cue.audio({})
    for name, data in split("VLN.{}.wav", noise(1, 2), "LR").items():
        cue.put(f"PT/1m02 Record/Audio Files/{name}", data)
    return all_of(ready, kinds(stereo=1))


@variation
def an_old_session_three_folders_deeper(cue: NewCue) -> Rule:
    cue.audio(split("VLN.{}.wav", noise(1, 2), "LR"))
    cue.put("PT/archive/2025/1m02 v1/Audio Files/VLN.L.wav", wav(noise()))
    return all_of(ready, kinds(stereo=1), told("archive/2025/1m02 v1' is left out"))


@variation
def stems_beside_the_session(cue: NewCue) -> Rule:
    cue.audio(split("VLN.{}.wav", noise(1, 2), "LR"))
    cue.put("Stems/HRN.wav", wav(noise()))
    return all_of(ready, kinds(stereo=1), told("Stems' is left out"))


@variation
def two_sessions_a_folder_deeper(cue: NewCue) -> Rule:
    cue.audio({})
    for take in ("1m02 v1", "1m02 v2"):
        cue.put(f"PT/{take}/Audio Files/VLN_01.wav", wav(noise()))
    return all_of(told("1m02 v1"), told("1m02 v2"))


@variation
def a_bounce_beside_the_session(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise())})
    cue.put("PT/Bounced Files/1m02 6mx.wav", wav(noise(1, 2)))
    return all_of(ready, kinds(mono=1), told("Bounced Files"))


@variation
def files_in_the_cloud(cue: NewCue) -> Rule:
    cue.audio({"VLN.L.wav": wav(noise()), ".VLN.R.wav.icloud": b"bplist00" + bytes(160)})
    return all_of(told("not downloaded"), told(r"VLN\.R"))


@variation
def an_editors_copy(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise()), "HRN_01.wav~": wav(noise(1, 1, 2))})
    return all_of(ready, kinds(mono=1), told("HRN_01.wav~"))


@variation
def numbers_behind_a_dot(cue: NewCue) -> Rule:
    cue.audio({f"Violins.{n}.wav": wav(noise(1, 1, n)) for n in range(1, 7)})

    def rule(view: CueView) -> Iterator[Finding]:
        yield is_told(view, "Violins.1.*6 stems, or the 6 channels of one")
        found = [t["state"] for t in view.sounding]
        yield Finding(f"nothing is mapped without a person (found {found})", "auto" not in found)

    return rule


@variation
def packed_files(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise()), "HRN.zip": b"PK\3\4" + bytes(40)})
    cue.put("MIDI/cue v2.mid.gz", b"\x1f\x8b" + bytes(40))
    return all_of(ready, kinds(mono=1), told("HRN.zip"), told("cue v2.mid.gz"))


@variation
def a_file_of_no_bytes(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise()), "HRN_01.wav": b""})
    return all_of(ready, kinds(mono=1), told("HRN_01"))


@variation
def audio_of_no_suffix(cue: NewCue) -> Rule:
    cue.audio(
        {"BASSOON": aiff(noise()), "OBOE_01": wav(noise(1, 1, 2)), "notes": b"take 3 was best"}
    )

    def rule(view: CueView) -> Iterator[Finding]:
        for name in ("BASSOON", "OBOE_01"):
            known = name in view.stems or view.tells(name)
            yield Finding(f"{name} is read or told of (found {sorted(view.stems)})", known)

    return rule


@variation
def sidecars_are_quiet(cue: NewCue) -> Rule:
    cue.audio({"VLN_01.wav": wav(noise()), "VLN_01.wav.pek": bytes(9), "VLN_01.sfk": bytes(9),
               "VLN_01.wav.md5": b"0" * 32, "VLN_01.wav.asd": bytes(9), "._VLN_01.wav": bytes(82),
               "VLN_01.wav:Zone.Identifier": b"[ZoneTransfer]", "VLN_01.xmp": b"<x/>",
               ".DS_Store": bytes(9), "Thumbs.db": bytes(9)})  # fmt: skip
    pattern = "|".join(
        map(re.escape, (".pek", ".sfk", ".md5", ".asd", "._", "Zone", ".xmp", "Thumbs"))
    )
    return all_of(ready, kinds(mono=1), quiet(pattern))
