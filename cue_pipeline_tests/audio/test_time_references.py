"""Time references as evidence: which are believed, reread or dropped, and what is said."""

import pytest

from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline_tests.audio.wave_files import (
    arranged,
    bext_chunk,
    chunk,
    fmt_chunk,
    inventory_of,
    noise,
    pcm16,
    write_wave,
)  # fmt: skip

HOUR = 3_600
TWO_SECONDS = 96_000


def header(file, reference, *, rate=48_000, frames=TWO_SECONDS, **more):
    return AudioHeader(
        file=file, container="WAV", subtype="PCM_24", sample_rate=rate, channels=1, frames=frames,
        promised_frames=frames, time_reference=reference, labels=("M",), **more,
    )  # fmt: skip


def groups_of(*headers):
    inventory = arranged(list(headers))
    return {g.canonical_name: g for g in (*inventory.groups, *inventory.final_mixes)}


def starts_of(*headers):
    return {name: g.start_offset_seconds for name, g in groups_of(*headers).items()}


AT_ONE = HOUR * 48_000


@pytest.mark.parametrize(
    "number",
    [2**64 - 1, 2**64 - 48_000, 2**63, 2**63 - 1, 10**15],
    ids=["all ones", "minus one second", "most negative", "most positive", "7 months"],
)
def test_a_number_that_is_no_time_of_day_is_dropped_and_said(number):
    groups = groups_of(header("A.wav", AT_ONE), header("B.wav", AT_ONE), header("C.wav", number))
    assert groups["C"].time_reference is None
    assert groups["C"].start_offset_seconds is None
    assert "'C': its time reference" in groups["C"].warnings[0]
    assert groups["C"].channels[0].as_json()["time_reference"] == number, "the raw number stays"
    assert groups["A"].start_offset_seconds == 0.0
    assert not groups["A"].warnings


def test_a_cue_of_which_every_reference_is_all_ones_has_no_starts():
    groups = groups_of(*(header(f"{n}.wav", 2**64 - 1) for n in "ABC"))
    assert {g.start_offset_seconds for g in groups.values()} == {None}
    assert all(g.warnings for g in groups.values())


@pytest.mark.parametrize(
    ("written_at", "file_at"),
    [(96_000, 48_000), (48_000, 96_000), (44_100, 48_000), (192_000, 48_000)],
)
def test_a_reference_that_was_counted_at_another_rate_is_reread(written_at, file_at):
    groups = groups_of(
        header("A.wav", AT_ONE + 24_000),
        header("6mx.wav", AT_ONE + 24_000),
        header("B.wav", round((HOUR + 0.5) * written_at), rate=file_at),
    )
    assert groups["B"].start_offset_seconds == pytest.approx(0.0, abs=1e-9)
    assert groups["B"].time_reference == round((HOUR + 0.5) * file_at)
    assert groups["B"].grouping["start_from"] == "time reference, reread"
    assert "another rate" in groups["B"].warnings[-1]


def test_what_most_stems_had_at_another_rate_is_reread_too():
    doubled = [header(f"{n}.wav", 2 * AT_ONE) for n in "ABC"]
    starts = starts_of(*doubled, header("6mx.wav", AT_ONE), header("D.wav", AT_ONE))
    assert set(starts.values()) == {0.0}


def test_a_lost_upper_half_is_found_again():
    thirteen = 13 * HOUR * 96_000  # more than 2³²
    groups = groups_of(
        header("A.wav", thirteen, rate=96_000),
        header("B.wav", thirteen, rate=96_000),
        header("C.wav", thirteen % 2**32, rate=96_000),
    )
    assert groups["C"].time_reference == thirteen


def test_zero_among_hours_is_not_believed():
    for zeros in (["C.wav"], ["6mx.wav"]):
        starts = starts_of(
            header("A.wav", AT_ONE), header("B.wav", AT_ONE), *(header(f, 0) for f in zeros)
        )
        assert [starts[f.removesuffix(".wav")] for f in zeros] == [None]
        assert starts["A"] == starts["B"] == 0.0


def test_zero_against_one_hour_is_the_one_that_is_not_believed():
    assert starts_of(header("A.wav", AT_ONE), header("6mx.wav", 0)) == {"A": 0.0, "6mx": None}


def test_of_two_that_contradict_each_other_none_is_believed():
    groups = groups_of(header("A.wav", AT_ONE), header("B.wav", 5 * AT_ONE // 2))
    assert [g.start_offset_seconds for g in groups.values()] == [None, None]
    assert all("nothing tells which is right" in g.warnings[0] for g in groups.values())


def test_stems_that_begin_apart_within_a_cue_stay_as_they_are():
    minute = 60 * 48_000
    groups = groups_of(
        header("A.wav", AT_ONE, frames=2 * minute),
        header("B.wav", AT_ONE + minute, frames=minute),
        header("C.wav", AT_ONE + 3 * minute // 2),
        header("6mx.wav", AT_ONE, frames=2 * minute),
    )
    assert [groups[n].start_offset_seconds for n in ("A", "B", "C", "6mx")] == [0, 60, 90, 0]
    assert not any(g.warnings for g in groups.values())


def test_a_stem_that_never_overlaps_another_is_doubted_aloud():
    minute = 60 * 48_000
    groups = groups_of(
        header("A.wav", AT_ONE, frames=minute),
        header("B.wav", AT_ONE, frames=minute),
        header("C.wav", AT_ONE + minute + 48_000 * 20),
    )
    assert "never sounds together" in groups["C"].warnings[0]
    assert not groups["A"].warnings


def test_channels_go_by_what_most_of_them_say():
    files = [
        header(f"STR.{label}.wav", AT_ONE if label != "L" else 0)
        for label in ("L", "C", "R", "Ls", "Rs", "LFE")
    ]
    groups = groups_of(*files, header("A.wav", AT_ONE))
    assert groups["STR"].start_offset_seconds == 0.0
    assert groups["STR"].time_reference == AT_ONE
    assert "different time references" in groups["STR"].warnings[0]


def test_channels_that_start_together_at_two_rates_do_not_differ():
    groups = groups_of(
        header("A.L.wav", AT_ONE), header("A.R.wav", 2 * AT_ONE, rate=96_000, frames=192_000)
    )
    assert not any("time reference" in w for w in groups["A"].warnings)


def ixml(samples, rate=48_000):
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><BWFXML><IXML_VERSION>1.5</IXML_VERSION><SPEED>'
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{samples >> 32}"
        "</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{samples & 0xFFFFFFFF}"
        "</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>"
        f"<TIMESTAMP_SAMPLE_RATE>{rate}</TIMESTAMP_SAMPLE_RATE></SPEED></BWFXML>"
    )
    return chunk(b"iXML", text.encode())


def write(path, *chunks):
    write_wave(path, *chunks, fmt_chunk(), chunk(b"data", pcm16(noise(4_800))))


def test_a_reference_that_only_ixml_has_is_read(tmp_path):
    late = 25 * HOUR * 48_000  # more than 2³² samples
    write(tmp_path / "A.wav", ixml(late))
    write(tmp_path / "B.wav", bext_chunk(late))
    groups = inventory_of(tmp_path).groups
    assert [g.time_reference for g in groups] == [late, late]
    assert [g.start_offset_seconds for g in groups] == [0.0, 0.0]


def test_ixml_says_at_which_rate_it_counts(tmp_path):
    write(tmp_path / "A.wav", ixml(2 * AT_ONE, rate=96_000))
    write(tmp_path / "B.wav", bext_chunk(AT_ONE))
    assert [g.time_reference for g in inventory_of(tmp_path).groups] == [AT_ONE, AT_ONE]


def test_where_bext_was_never_filled_in_ixml_is_believed(tmp_path):
    write(tmp_path / "A.wav", bext_chunk(2**64 - 1), ixml(AT_ONE))
    write(tmp_path / "B.wav", bext_chunk(AT_ONE))
    groups = inventory_of(tmp_path).groups
    assert [g.time_reference for g in groups] == [AT_ONE, AT_ONE]
    assert groups[0].warnings


def test_a_bext_that_ixml_contradicts_is_believed_and_told(tmp_path):
    write(tmp_path / "A.wav", bext_chunk(AT_ONE), ixml(AT_ONE + 240_000))
    write(tmp_path / "B.wav", bext_chunk(AT_ONE), ixml(AT_ONE))
    write(tmp_path / "C.wav", bext_chunk(AT_ONE), ixml(0))
    groups = {g.canonical_name: g for g in inventory_of(tmp_path).groups}
    assert {g.time_reference for g in groups.values()} == {AT_ONE}
    assert "01:00:05.000 by its iXML" in groups["A"].warnings[0]
    assert groups["B"].warnings == groups["C"].warnings == ()
