"""In which order interleaved channels stand that no word names: rendered stems, known gains.

Orders are those of the documents: Avid's film order, SMPTE ST 2067-8, ISO/IEC 14496-3 (AAC), DTS.
"""

import numpy as np
import pytest
import scipy.signal
import soundfile as sf

from cue_pipeline.audio.final_mix import measure_residual
from cue_pipeline.audio.inventory import take_inventory
from cue_pipeline_tests.audio.test_mix_roles import processed, voice
from cue_pipeline_tests.audio.wave_files import (
    NAMED_SO,
    chunk,
    cue_folder,
    fmt_chunk,
    pcm16,
    write_audio,
    write_wave,
)  # fmt: skip

SR = 48_000
FILM = ("L", "C", "R", "Ls", "Rs", "LFE")
ORDERS = {
    "film": FILM,
    "smpte": ("L", "R", "C", "LFE", "Ls", "Rs"),
    "lfe last": ("L", "R", "C", "Ls", "Rs", "LFE"),
    "aac": ("C", "L", "R", "Ls", "Rs", "LFE"),
    "dts": ("L", "R", "Ls", "Rs", "C", "LFE"),
}
SMPTE = ORDERS["smpte"]
NAMES = ("STR", "BRS", "PRC")
Sound = dict[str, np.ndarray]


def surround(seed: int) -> Sound:
    """Return a stem on a stage: each channel hears the same part, and a room of its own."""
    gains = np.roll([0.9, 0.6, 0.4, 0.3, 0.2], seed)
    y = {
        label: gain * voice(seed) + 0.25 * voice(100 + 7 * seed + i)
        for i, (label, gain) in enumerate(zip(FILM, gains, strict=False))
    }
    return y | {"LFE": low(y["L"] + y["R"])}


def stereo(seed: int) -> Sound:
    y = surround(seed)
    return {"L": y["L"], "R": y["R"]}


def low(y):
    return 0.5 * scipy.signal.sosfilt(scipy.signal.butter(4, 200, fs=SR, output="sos"), y)


def upmixed(y: Sound) -> Sound:
    """Return five channels and an LFE that are all gains of a left and a right."""
    both = y["L"] + y["R"]
    return y | {"C": 0.5 * both, "Ls": 0.4 * y["L"], "Rs": 0.4 * y["R"], "LFE": low(both)}


def summed(sounds: list[Sound]) -> Sound:
    return {label: sum(y[label] for y in sounds) for label in sounds[0]}


def split(folder, name, sound: Sound):
    for label, y in sound.items():
        write_audio(folder / f"{name}.{label}.wav", y, SR)


def interleaved(folder, name, sound: Sound, order):
    y = np.stack([sound.get(label, np.zeros(4 * SR)) for label in order], 1)
    write_audio(folder / f"{name}.wav", y, SR)


def taken(folder, **more):
    inventory = take_inventory(cue_folder(folder), sample_rate=SR, **NAMED_SO, **more)
    return {g.canonical_name: g for g in (*inventory.groups, *inventory.final_mixes)}


def order_of(group):
    return tuple(c.label for c in sorted(group.channels, key=lambda c: (c.file, c.index)))


@pytest.mark.parametrize(
    ("order", "treat"),
    [*((order, np.asarray) for order in ORDERS.values()), (FILM, processed), (SMPTE, processed)],
)
def test_the_order_of_a_mix_is_that_in_which_its_stems_add_up(tmp_path, order, treat):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    mix = summed(stems)
    mixed = treat(np.stack(list(mix.values()), 1))
    interleaved(tmp_path, "1m02 6mx", dict(zip(mix, mixed.T, strict=True)), order)
    found = taken(tmp_path)["1m02 6mx"]
    assert (found.role, found.layout, order_of(found)) == ("mix", "5.1", order)
    assert found.grouping["layout_from"] == "sum"
    assert found.warnings == ()


@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
def test_stereo_stems_tell_the_order_of_an_upmix(tmp_path, order):
    stems = [stereo(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    interleaved(tmp_path, "1m02 6mx", upmixed(summed(stems)), order)
    found = taken(tmp_path)
    mix = found.pop("1m02 6mx")
    assert order_of(mix) == order
    assert mix.warnings == ()  # nothing in it that is not the stems'
    residual = measure_residual(tmp_path, mix, list(found.values()))
    assert residual.residual_db < -80
    assert residual.details["unfed"] == ["C", "Ls", "Rs", "LFE"]
    left = residual.details["unfed_left_db"]
    assert max(left["C"], left["Ls"], left["Rs"]) < -60
    assert left["LFE"] > -10  # low-passed: at no gain


def test_a_mix_without_a_name_is_the_mix_in_its_order(tmp_path):
    stems = [stereo(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    interleaved(tmp_path, "Everything", summed(stems), SMPTE)
    found = taken(tmp_path)["Everything"]
    assert found.role == "mix"
    assert order_of(found)[:2] == ("L", "R")
    assert any("known; which is which of C LFE Ls Rs is not" in w for w in found.warnings)


@pytest.mark.parametrize("order", [SMPTE, ORDERS["aac"]])
def test_stems_of_unknown_order_are_in_that_in_which_they_add_up_to_the_mix(tmp_path, order):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        interleaved(tmp_path, f"1m02 {name}", stem, order)
    split(tmp_path, "1m02 6mx", summed(stems))
    found = taken(tmp_path)
    for name in NAMES:
        assert order_of(found[f"1m02 {name}"]) == order
        assert found[f"1m02 {name}"].warnings == ()


def test_one_stem_that_is_named_tells_the_order_of_all_others(tmp_path):
    stems = [surround(i) for i in range(3)]
    split(tmp_path, "1m02 STR", stems[0])
    interleaved(tmp_path, "1m02 BRS", stems[1], SMPTE)
    interleaved(tmp_path, "1m02 PRC", stems[2], FILM)
    interleaved(tmp_path, "1m02 6mx", summed(stems), SMPTE)
    found = taken(tmp_path)
    assert [order_of(found[f"1m02 {n}"]) for n in ("6mx", "BRS", "PRC")] == [SMPTE, SMPTE, FILM]


def test_a_stem_that_is_not_in_the_mix_takes_the_order_of_the_others_and_says_so(tmp_path):
    stems = [surround(i) for i in range(4)]
    split(tmp_path, "1m02 STR", stems[0])
    interleaved(tmp_path, "1m02 BRS", stems[1], SMPTE)
    interleaved(tmp_path, "1m02 CHR", stems[3], SMPTE)
    interleaved(tmp_path, "1m02 6mx", summed(stems[:2]), SMPTE)
    found = taken(tmp_path)["1m02 CHR"]
    assert order_of(found) == SMPTE
    assert any("its sound does not tell: the order of '1m02 6mx'" in w for w in found.warnings)


def test_where_all_is_of_one_unknown_order_it_stays_a_guess_that_is_told(tmp_path):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        interleaved(tmp_path, f"1m02 {name}", stem, SMPTE)
    interleaved(tmp_path, "1m02 6mx", summed(stems), SMPTE)
    for group in taken(tmp_path).values():
        assert group.grouping["layout_from"] == "count"
        assert any("nothing says which is which: film order" in w for w in group.warnings)


def test_what_is_alike_in_all_channels_fits_in_any_order(tmp_path):
    for i, name in enumerate(NAMES):
        split(tmp_path, f"1m02 {name}", dict.fromkeys(FILM, voice(i)))
    interleaved(tmp_path, "1m02 6mx", dict.fromkeys(FILM, sum(voice(i) for i in range(3))), SMPTE)
    mix = taken(tmp_path)["1m02 6mx"]
    assert any("nothing says which is which: film order" in w for w in mix.warnings)


def test_an_order_that_no_program_writes_is_measured_where_stems_have_every_channel(tmp_path):
    order = ("Rs", "LFE", "L", "C", "Ls", "R")
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    interleaved(tmp_path, "1m02 6mx", summed(stems), order)
    assert order_of(taken(tmp_path)["1m02 6mx"]) == order


def test_numbered_files_of_a_mix_get_their_roles_from_the_stems(tmp_path):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    mix = summed(stems)
    for number, label in enumerate(SMPTE, 1):
        write_audio(tmp_path / f"1m02 6mx.A{number}.wav", mix[label], SR)
    found = taken(tmp_path)["1m02 6mx"]
    assert (order_of(found), found.layout, found.warnings) == (SMPTE, "5.1", ())


@pytest.mark.parametrize(("setting", "told"), [("film", True), ("smpte", False)])
def test_a_setting_that_the_sound_contradicts_stays_and_is_told(tmp_path, setting, told):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    interleaved(tmp_path, "1m02 6mx", summed(stems), SMPTE)
    found = taken(tmp_path, interleaved_order=setting)["1m02 6mx"]
    assert order_of(found) == ORDERS[setting]
    assert any("by CUE_INTERLEAVED_ORDER, and by the sound" in w for w in found.warnings) == told


def test_a_word_in_the_file_wins_over_the_sound(tmp_path):
    stems = [surround(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    mix = summed(stems)
    y = np.stack([mix[label] for label in FILM], 1)
    data = chunk(b"data", pcm16(y))
    write_wave(tmp_path / "1m02 6mx.wav", fmt_chunk(6, SR, mask=0x3F), data)
    assert order_of(taken(tmp_path)["1m02 6mx"]) == SMPTE
    assert sf.info(tmp_path / "1m02 6mx.wav").channels == 6


def test_sound_of_a_mix_in_channels_that_no_stem_has_is_told_as_such(tmp_path):
    stems = [stereo(i) for i in range(3)]
    for name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    room = {"Ls": 0.1 * voice(50), "Rs": 0.1 * voice(51)}
    split(tmp_path, "1m02 6mx", upmixed(summed(stems)) | room)
    (told,) = taken(tmp_path)["1m02 6mx"].warnings
    assert "has sound in Ls, Rs, where no stem has a channel" in told


def test_a_stem_that_lacks_in_the_channels_of_the_others_is_told_beside_an_upmix(tmp_path):
    stems = [stereo(i) for i in range(4)]
    for name, stem in zip(NAMES, stems[:3], strict=True):
        split(tmp_path, f"1m02 {name}", stem)
    split(tmp_path, "1m02 6mx", upmixed(summed(stems)))
    warnings = taken(tmp_path)["1m02 6mx"].warnings
    assert any("as they are in its L, R and something else" in w for w in warnings)


@pytest.mark.parametrize("name", ["1m02 Mix", "1m02 6mx", "Print"])
def test_an_upmix_that_was_limited_is_the_mix_of_its_stereo_stems_in_its_order(tmp_path, name):
    stems = [stereo(i) for i in range(3)]
    for stem_name, stem in zip(NAMES, stems, strict=True):
        split(tmp_path, f"1m02 {stem_name}", stem)
    mix = upmixed(summed(stems))
    mixed = processed(np.stack(list(mix.values()), 1))
    interleaved(tmp_path, name, dict(zip(mix, mixed.T, strict=True)), SMPTE)
    found = taken(tmp_path)[name]
    assert (found.role, order_of(found)) == ("mix", SMPTE)
    assert not any("not made of the stems" in w or "which is which" in w for w in found.warnings)
