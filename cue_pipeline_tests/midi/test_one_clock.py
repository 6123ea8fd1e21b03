"""MIDI files of one cue run on one clock, and what stands in several of them counts once."""

import hashlib
import re

import pretty_midi
import pytest

from cue_pipeline.midi.score_rows import (
    MidiFileOutcome,
    midi_events_tables,
    tempo_map_tables,
    with_one_clock,
)
from cue_pipeline_tests.midi.smf import CUE, meta, meter, name, off, on, read, rows, smf, tempo

NINETY, SEVENTY_TWO = 666_667, 833_333  # microseconds a quarter


def outcome(path: str, data: bytes) -> MidiFileOutcome:
    return MidiFileOutcome(path, read(data), None, hashlib.sha256(data).hexdigest())


def settled(**files: bytes) -> dict[str, MidiFileOutcome]:
    """The cue's files by name; a keyword ``v1_copy`` is the file ``v1 copy.mid``."""
    paths = {key: f"MIDI/{key.replace('_', ' ')}.mid" for key in files}
    found = with_one_clock([outcome(paths[key], data) for key, data in files.items()])
    return dict(zip(files, found, strict=True))


def clock(outcome: MidiFileOutcome):
    assert outcome.file is not None
    return outcome.file.sequences[0]


def line(*notes: int, title: str = "Violins", quarter: int = 480, channel: int = 0) -> bytes:
    """A track that plays each note for a quarter."""
    return name(title) + b"".join(
        on(note, channel=channel) + off(note, quarter, channel=channel) for note in notes
    )


SCALE = tuple(range(60, 84))
TEMPO_TRACK = meter(3, 4) + tempo(NINETY) + tempo(SEVENTY_TWO, 12 * 480) + meta(6, b"Slower")


def test_parts_without_a_tempo_map_follow_the_cues_tempo_file(tmp_path):
    files = settled(tempo_map=smf(TEMPO_TRACK), parts=smf(line(*SCALE)))
    parts = files["parts"]
    assert parts.clock_from == "MIDI/tempo map.mid"
    assert parts.clock_doubt is None
    assert "follows the tempo map of 'MIDI/tempo map.mid' (72 to 90" in parts.clock_warnings[0]
    assert files["tempo_map"].clock_from is None
    assert files["tempo_map"].clock_warnings == ()
    # One file with both, as pretty_midi hears it.
    path = tmp_path / "both.mid"
    path.write_bytes(smf(TEMPO_TRACK, line(*SCALE)))
    want = pretty_midi.PrettyMIDI(str(path))
    notes = midi_events_tables(CUE, list(files.values()), ())["midi_notes"]
    assert notes["start_time"].tolist() == pytest.approx(
        [n.start for n in want.instruments[0].notes], abs=1e-9
    )
    assert notes["bar"].tolist() == [1 + i // 3 for i in range(24)]
    row = tempo_map_tables(CUE, list(files.values()))["midi_files"].to_dict("records")[1]
    assert row["clock_from"] == "MIDI/tempo map.mid"
    assert row["duration_seconds"] == pytest.approx(want.get_end_time(), abs=1e-9)


@pytest.mark.parametrize(("division", "ratio"), [(960, 2), (96, 0.2), (480, 1)])
def test_a_tempo_map_is_followed_at_another_resolution(division, ratio):
    quarter = round(480 * ratio)
    files = settled(
        tempo_map=smf(TEMPO_TRACK),
        parts=smf(line(*SCALE, quarter=quarter), division=division),
    )
    assert clock(files["parts"]).tempo_map == [
        [0.0, 0, NINETY],
        [pytest.approx(12 * NINETY / 1e6), 12 * quarter, SEVENTY_TWO],
    ]
    assert clock(files["parts"]).time_signature_map == [[0.0, 0, 3, 4]]


def test_a_tick_between_two_is_rounded_but_the_time_of_a_tempo_change_is_not():
    track = tempo(500_000) + b"".join(tempo(500_000 + 1000 * (i % 7), 37) for i in range(1, 900))
    files = settled(tempo_map=smf(track, division=960), parts=smf(line(*SCALE), division=96))
    exact = {round(tick / 10): time for time, tick, _ in clock(files["tempo_map"]).tempo_map}
    followed = clock(files["parts"]).tempo_map
    assert [tick for _, tick, _ in followed] == sorted({tick for _, tick, _ in followed})
    assert all(time == exact[tick] for time, tick, _ in followed)
    assert followed[0][:2] == [0.0, 0]


def test_what_is_written_on_a_file_is_timed_by_the_clock_that_it_follows():
    files = settled(tempo_map=smf(tempo(1_000_000)), parts=smf(line(*SCALE) + meta(6, b"End", 480)))
    assert clock(files["parts"]).markers == [[25.0, 25 * 480, "End"]]
    assert clock(files["parts"]).duration_seconds == 25.0


def test_maps_that_agree_up_to_where_one_ends_are_one():
    short = smf(tempo(NINETY) + line(*SCALE[:12]))
    files = settled(whole=smf(TEMPO_TRACK), opening=short, rest=smf(line(72, 74, title="Horns")))
    assert [f.clock_doubt for f in files.values()] == [None, None, None]
    assert files["opening"].clock_warnings == ()
    assert files["rest"].clock_from == "MIDI/whole.mid"


@pytest.mark.parametrize("repeated", [tempo(NINETY, 480), b""])
def test_a_tempo_that_is_written_again_is_no_other_map(repeated):
    files = settled(
        one=smf(tempo(NINETY) + repeated + line(*SCALE)), two=smf(tempo(NINETY) + line(*SCALE[3:5]))
    )
    assert [f.clock_doubt for f in files.values()] == [None, None]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (tempo(535_714) + line(72, 71, 74, title="Horns"), "112 against 90 .* from quarter 0 on"),
        (
            tempo(NINETY) + tempo(NINETY - 1000, 480) + line(72, 71, 74, title="Horns"),
            "90.135 against 90 .* from quarter 1 on",
        ),
    ],
)
def test_maps_that_contradict_each_other_are_said_and_doubted(other, told):
    files = settled(a=smf(tempo(NINETY) + line(*SCALE)), b=smf(other))
    assert re.search(told, files["b"].clock_doubt)
    assert "contradicts that of 'MIDI/b.mid'" in files["a"].clock_doubt
    assert files["b"].clock_warnings[0].startswith(files["b"].clock_doubt)
    assert [f.clock_from for f in files.values()] == [None, None]


def test_a_part_beside_two_tempo_maps_follows_neither_and_is_doubted():
    files = settled(
        a=smf(tempo(NINETY) + line(*SCALE)),
        b=smf(tempo(SEVENTY_TWO) + line(72, 71, title="Horns")),
        c=smf(line(50, 52, title="Celli")),
    )
    assert files["c"].clock_from is None
    assert "several tempo maps" in files["c"].clock_doubt
    assert clock(files["c"]).tempo_map == [[0.0, 0, 500_000]]


def test_a_cue_without_any_tempo_says_so_and_one_with_it_says_nothing():
    (alone,) = settled(cue=smf(line(*SCALE))).values()
    assert "no tempo is written" in alone.clock_warnings[0]
    (fine,) = settled(cue=smf(tempo(500_000) + line(*SCALE))).values()
    assert (fine.clock_warnings, fine.clock_doubt, fine.same_as) == ((), None, None)


def test_a_file_whose_tempo_cannot_be_read_is_doubted_and_follows_nobody():
    lost = smf(meta(0x51, bytes.fromhex("0007A120")) + line(50, 52, title="Celli"))
    files = settled(a=smf(tempo(NINETY) + line(*SCALE)), b=lost)
    assert files["b"].clock_from is None
    assert "cannot be read" in files["b"].clock_doubt
    assert files["a"].clock_doubt is None


def test_files_of_smpte_time_and_of_several_sequences_keep_their_own_clocks():
    smpte = smf(line(*SCALE), division=0xE728)
    files = settled(
        a=smf(TEMPO_TRACK), b=smpte, c=smf(line(60, title="X"), line(61, title="Y"), format=2)
    )
    assert [f.clock_from for f in files.values()] == [None, None, None]
    assert clock(files["b"]).tempo_map == [[0.0, 0, 1_000_000]]


# ------------------------------------------------------------------ the same music twice


def test_the_same_bytes_and_an_older_version_count_once():
    new, old = smf(tempo(500_000) + line(*SCALE)), smf(tempo(535_714) + line(*SCALE))
    files = settled(cue_v2=new, cue_v2_copy=new, cue_v1=old)
    assert files["cue_v2"].same_as is None
    assert files["cue_v2"].clock_doubt is None
    assert files["cue_v2_copy"].same_as == files["cue_v1"].same_as == "MIDI/cue v2.mid"
    assert "the very file 'MIDI/cue v2.mid' again" in files["cue_v2_copy"].clock_warnings[0]
    assert "an older version of 'MIDI/cue v2.mid'" in files["cue_v1"].clock_warnings[0]
    # Stored all the same.
    tables = midi_events_tables(CUE, list(files.values()), ())
    assert len(tables["midi_notes"]) == 3 * 24


def test_the_same_notes_at_another_resolution_are_the_same_music():
    one = smf(tempo(NINETY) + line(*SCALE))
    two = smf(meta(1, b"exported again") + tempo(NINETY) + line(*SCALE, quarter=96), division=96)
    files = settled(cue=one, cue_export=two)
    assert files["cue_export"].same_as == "MIDI/cue.mid"
    assert rows(tempo_map_tables(CUE, list(files.values()))["midi_files"], "same_as") == [
        (None,),
        ("MIDI/cue.mid",),
    ]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("cue_v3", "cue_v12"), "cue_v12"),
        (("cue", "cue_old"), "cue"),
        (("cue_2024-03-01", "cue_2023-12-24"), "cue_2024-03-01"),
        (("cue_v2.1", "cue_v2"), "cue_v2.1"),
        (("cue_(1)", "cue"), "cue"),
    ],
)
def test_of_two_versions_the_one_counts_that_is_newer_by_name(names, kept):
    older, newer = line(*SCALE), line(*SCALE[:-3], 50, 51)
    files = settled(
        **dict(zip(names, (smf(tempo(NINETY) + t) for t in (older, newer)), strict=True))
    )
    assert [key for key, file in files.items() if file.same_as is None] == [kept]
    assert files[kept].clock_doubt is None


def test_versions_whose_names_do_not_tell_are_doubted():
    files = settled(
        chase=smf(tempo(NINETY) + line(*SCALE)), pursuit=smf(tempo(500_000) + line(*SCALE, 85))
    )
    # One track each, and other names: two instruments as far as anyone can tell.
    assert [f.same_as for f in files.values()] == [None, None]
    two = line(40, 43, 45, title="Basses")
    files = settled(
        chase=smf(tempo(NINETY) + line(*SCALE), two),
        pursuit=smf(tempo(500_000) + line(*SCALE, 85), two),
    )
    assert files["chase"].same_as == "MIDI/pursuit.mid"
    assert "neither name says which is the newer" in files["pursuit"].clock_doubt


def test_a_part_taken_out_of_the_score_counts_once():
    score = smf(tempo(NINETY) + line(*SCALE), line(*SCALE[::-1], *SCALE, title="Horns", channel=1))
    files = settled(full_score=score, violins=smf(tempo(NINETY) + line(*SCALE)))
    assert files["violins"].same_as == "MIDI/full score.mid"
    assert "a part of another file" in files["violins"].clock_warnings[0]


def test_a_version_that_begins_later_is_the_same_music():
    late = tempo(NINETY) + meta(6, b"count-in", 8 * 480) + line(*SCALE)
    files = settled(cue_v1=smf(tempo(NINETY) + line(*SCALE)), cue_v2=smf(late))
    assert files["cue_v1"].same_as == "MIDI/cue v2.mid"


HORNS = (60, 62, 64, 65, 64, 62, 67, 60, 59, 57, 60, 62)


def score(*titles: str, transpose: int = 0, late: tuple[int, ...] = (0,)) -> list[bytes]:
    """Three tracks of 12 notes; each begins up to some ticks late, ends on time."""
    tracks = []
    for number, title in enumerate(titles):
        events = name(title)
        for i, pitch in enumerate(HORNS):
            note, delay = pitch + 5 * number + transpose, late[i % len(late)]
            events += on(note, delay, channel=number) + off(note, 480 - delay, channel=number)
        tracks.append(events)
    return tracks


SECTION = ("Trumpets", "Horns", "Trombones")


def merged(titles: tuple[str, ...]) -> bytes:
    """The same as one track of format 0."""
    events = name("1m01") + tempo(NINETY)
    for pitch in HORNS:
        events += b"".join(on(pitch + 5 * n, channel=n) for n in range(len(titles)))
        events += b"".join(
            off(pitch + 5 * n, 0 if n else 480, channel=n) for n in range(len(titles))
        )
    return smf(events, format=0)


def test_one_music_of_format_1_and_of_format_0_counts_once():
    parts = smf(tempo(NINETY), *score(*SECTION))
    files = settled(cue=merged(SECTION), cue_parts=parts)
    assert files["cue"].same_as == "MIDI/cue parts.mid"
    assert files["cue_parts"].same_as is None
    assert "on one track" in files["cue"].clock_warnings[0]


@pytest.mark.parametrize(
    ("older", "told"),
    [
        (score("TPT", "HN", "TBN"), "tracks of other names"),
        (score(*SECTION, late=(0, 12, 25, 7)), "a little earlier or later"),
        (score(*SECTION, transpose=-2), "the same rhythms at other pitches"),
    ],
)
def test_a_version_that_is_renamed_quantised_or_transposed_counts_once(older, told):
    files = settled(cue_v1=smf(tempo(NINETY), *older), cue_v2=smf(tempo(NINETY), *score(*SECTION)))
    assert files["cue_v1"].same_as == "MIDI/cue v2.mid"
    assert told in files["cue_v1"].clock_warnings[0]
    assert files["cue_v2"].clock_doubt is None


def test_other_music_in_the_same_rhythm_is_no_version():
    other = [track.replace(b"Horns", b"Cors.") for track in score(*SECTION, transpose=4)]
    files = settled(brass=smf(tempo(NINETY), *score(*SECTION)), winds=smf(tempo(NINETY), *other))
    assert [f.same_as for f in files.values()] == [None, None]


def test_two_numbered_files_of_one_track_each_are_two_in_unison():
    files = settled(
        **{f"Horn_({n})": smf(tempo(NINETY) + line(*SCALE, title=f"Horn {n}")) for n in (1, 2)}
    )
    assert [f.same_as for f in files.values()] == [None, None]


def test_tempo_maps_that_differ_by_what_rounding_does_are_one():
    ramp = [(0, 659_340), (1441, 576_923), (1452, 666_667)]  # ticks of 1/480 since the last
    fine = b"".join(tempo(micros, ticks) for ticks, micros in ramp)
    coarse = b"".join(tempo(micros + 1, round(ticks / 5)) for ticks, micros in ramp)
    files = settled(
        orchestra=smf(fine + line(*SCALE)),
        percussion=smf(coarse + line(*SCALE[::-1], title="Taikos", quarter=96), division=96),
    )
    assert [(f.clock_doubt, f.clock_warnings) for f in files.values()] == [(None, ())] * 2


def test_tempo_maps_that_part_slowly_contradict_each_other():
    files = settled(
        one=smf(tempo(500_000) + line(*SCALE)), two=smf(tempo(500_200) + line(50, *SCALE[::-1]))
    )
    assert all("contradicts" in f.clock_doubt for f in files.values())


def test_two_instruments_in_unison_are_two():
    files = settled(
        flute=smf(tempo(NINETY) + line(*SCALE, title="Flute")),
        violins=smf(tempo(NINETY) + line(*SCALE, title="Violins")),
    )
    assert [f.same_as for f in files.values()] == [None, None]
    unnamed = {key: smf(tempo(NINETY) + text + line(*SCALE, title="")) for key, text in (
        ("flute", meta(1, b"a")), ("oboe", meta(1, b"b")))}  # fmt: skip
    assert [f.same_as for f in settled(**unnamed).values()] == [None, None]


def test_parts_that_share_a_few_notes_are_two():
    files = settled(
        one=smf(tempo(NINETY) + line(*SCALE, title=""), line(40, title="B")),
        two=smf(tempo(NINETY) + line(*SCALE[::-1], title=""), line(40, title="B")),
    )
    assert [f.same_as for f in files.values()] == [None, None]
