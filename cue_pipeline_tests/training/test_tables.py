"""Windows of a library: what its tables hold, on the clock of each stem."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.cli.commands import cli
from cue_pipeline.errors import CuePipelineError, NotReadyError, TrainingError
from cue_pipeline.training import Windows
from cue_pipeline.warehouse.split_rows import SplitRow, write_splits
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load, replace

CUE = SyntheticCue(n_frames=2_000, frames_per_chunk=600, n_tracks=3, n_groups=2)
RATE = 48_000 / 512
EVERY = ["mel", "roll", "onset", "offset", "velocity", "cc", "beat", "complete", "inside",
         "category", "labels_complete"]  # fmt: skip


def opened(url, **options):
    return Windows.open(url, **{"seconds": 4.0, "hop": 2.0, "fields": EVERY, **options})


@pytest.fixture
def filled(store, filled_url):
    load(store, CUE)
    return filled_url


def test_windows_hold_the_stored_mel_bit_for_bit(filled):
    windows = opened(filled)
    for i in range(len(windows)):
        where, mel = windows.where(i), windows[i]["mel"]
        stored = CUE.mel(int(where.stem[-1]))[where.first : where.first + 375]
        assert mel[: len(stored)].tobytes() == stored.tobytes()
        assert (mel[len(stored) :] == -100.0).all()


def first_of(windows, stem):
    """Return the first window of a stem."""
    return next(windows[i] for i in range(len(windows)) if windows.where(i).stem == stem)


def changed(asset, table, **columns):
    value = CUE.value(asset)
    frame = value[table].reset_index(drop=True)
    value[table] = frame.assign(**{k: v(frame) if callable(v) else v for k, v in columns.items()})
    return value


@pytest.mark.engines("sqlite")
def test_notes_are_where_the_clock_of_the_stem_puts_them(filled):
    # The clock of the made-up cue is slow by a hundredth between 0.5 s and 1.5 s.
    window = opened(filled)[0]
    notes = CUE.value("midi_events")["midi_notes"]
    own = notes[notes["midi_track_id"].isin([CUE.track_ids[0], CUE.track_ids[2]])]
    at = own["start_time"].to_numpy()
    heard = np.interp(at, [0, 0.5, 1.5, 100], [0, 0.5, 1.51, 100.01])
    frames = np.floor(heard * RATE + 0.5).astype(int)
    expected = {(f, p) for f, p in zip(frames, own["note"], strict=True) if f < 375}
    assert set(map(tuple, np.argwhere(window["onset"]).tolist())) == expected
    assert window["labels_complete"]
    assert window["complete"].all()
    # 120 beats a minute: the bar line of bar 2 is at 2 s, heard at 2.01 s.
    assert window["beat"][189].round(1).tolist() == [2.0, 1.0]
    assert window["beat"][188].round(1).tolist() == [1.0, 5.0]


def in_two_stems(store, keys_of_both):
    """Put the first track into both stems, with those of its keys that are given for each."""
    mapped = CUE.value("llm_mappings")
    first, (zero, one) = CUE.track_ids[0], CUE.group_ids
    rest = mapped["track_stems"].iloc[1:]
    both = pd.DataFrame({"midi_track_id": first, "audio_file_id": [zero, one], "share": 0.5})
    both["notes"] = pd.Series(keys_of_both, dtype=object)
    replace(store, CUE, "llm_mappings", track_stems=pd.concat([both, rest], ignore_index=True))


def onsets_of(notes):
    at = np.interp(notes["start_time"].to_numpy(), [0, 0.5, 1.5, 100], [0, 0.5, 1.51, 100.01])
    frames = np.floor(at * RATE + 0.5).astype(int)
    return {(f, p) for f, p in zip(frames, notes["note"], strict=True) if f < 375}


@pytest.mark.engines("sqlite")
def test_a_track_in_two_stems_has_its_notes_in_both(store, filled):
    in_two_stems(store, [None, None])
    notes = CUE.value("midi_events")["midi_notes"]
    windows = opened(filled)
    for stem, tracks in (("Stem 0", (0, 2)), ("Stem 1", (0, 1))):
        own = notes[notes["midi_track_id"].isin([CUE.track_ids[i] for i in tracks])]
        found = np.argwhere(first_of(windows, stem)["onset"]).tolist()
        assert set(map(tuple, found)) == onsets_of(own)


@pytest.mark.engines("sqlite")
def test_a_split_kit_has_each_key_in_its_stem_and_those_of_none_in_doubt(store, filled):
    notes = CUE.value("midi_events")["midi_notes"]
    mine = notes[notes["midi_track_id"] == CUE.track_ids[0]]
    low, high, *rare = sorted(set(mine["note"]))
    in_two_stems(store, [[low], [high]])
    others = notes[notes["midi_track_id"] == CUE.track_ids[1]]
    window = first_of(opened(filled), "Stem 1")
    expected = onsets_of(pd.concat([mine[mine["note"] == high], others]))
    assert set(map(tuple, np.argwhere(window["onset"]).tolist())) == expected
    doubted = {frame for frame, _ in onsets_of(mine[mine["note"].isin(rare)])}
    assert doubted
    assert not window["complete"][sorted(doubted)].any()
    in_two_stems(store, [[low], None])  # the other one is known to hold all
    assert first_of(opened(filled), "Stem 1")["complete"].all()


@pytest.mark.engines("sqlite")
def test_a_note_sounds_as_long_as_the_pedal_holds_it(store, filled):
    times = pd.DataFrame({"at": [0.0, 1.0]})
    cc = (
        CUE.value("midi_events")["midi_cc"]
        .iloc[:2]
        .assign(
            cc_number=64, cc_value=[127, 0], time=times["at"].to_numpy(), event_index=[5_000, 5_001]
        )
    )
    notes = (
        CUE.value("midi_events")["midi_notes"]
        .iloc[:1]
        .assign(start_time=0.1, duration=0.1, note=60, flags=0)
    )
    events = {**CUE.value("midi_events"), "midi_cc": cc, "midi_notes": notes}
    replace(store, CUE, "midi_events", **{k: events[k] for k in ("midi_cc", "midi_notes")})
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, CUE, asset)
    window = opened(filled, controllers=[64])[0]
    end = round(np.interp(1.0, [0.5, 1.5], [0.5, 1.51]) * RATE)
    assert np.argwhere(window["roll"][:, 60])[:, 0].tolist() == list(range(round(0.1 * RATE), end))
    assert np.argwhere(window["offset"]).tolist() == [[end, 60]]
    assert window["cc"][:end, 0].tolist() == [127] * end
    assert (window["cc"][end:, 0] == 0).all()


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("flag", [1, 4])
def test_a_note_whose_end_is_not_to_be_trusted_has_an_onset_and_no_offset(store, filled, flag):
    replace(store, CUE, "midi_events",
            midi_notes=changed("midi_events", "midi_notes", flags=flag)["midi_notes"])  # fmt: skip
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, CUE, asset)
    window = opened(filled)[0]
    assert window["onset"].any()
    assert np.array_equal(window["roll"], window["onset"])
    assert not window["offset"].any()


@pytest.mark.engines("sqlite")
def test_frames_in_which_a_doubtful_track_may_sound_are_not_complete(store, filled):
    # The first track, of one note from 1 s to 1.25 s, may be in the stem of the second.
    notes = CUE.value("midi_events")["midi_notes"]
    others = notes["midi_track_id"] != CUE.track_ids[0]
    candidates = [{"audio_file_id": CUE.group_ids[1]}]
    stems = pd.array([None, CUE.group_ids[1], CUE.group_ids[0]], dtype="Int64")
    states, named = ["review", "auto", "auto"], [candidates, None, None]
    mapped = changed("llm_mappings", "track_mappings", state=states, candidates=named,
                     audio_file_id=stems)  # fmt: skip
    replace(store, CUE, "midi_events", midi_notes=notes[others | (notes["event_index"] == 16)])
    replace(store, CUE, "match_evidence")
    replace(store, CUE, "llm_mappings", track_mappings=mapped["track_mappings"])
    of_first, of_second = (first_of(opened(filled), f"Stem {i}") for i in (0, 1))
    assert of_first["complete"].all()  # the track does not name it
    doubtful = np.flatnonzero(~of_second["complete"]) / RATE
    assert doubtful.min() == pytest.approx(1.0 - 0.1, abs=0.03)
    assert doubtful.max() == pytest.approx(1.25 + 0.5, abs=0.03)
    assert not of_second["labels_complete"]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("lag", [500.0, -500.0])
def test_nothing_is_complete_in_a_stem_that_sounds_while_no_note_of_it_does(store, filled, lag):
    evidence = CUE.value("match_evidence")
    clocks = evidence["stem_alignments"].reset_index(drop=True)
    of_second = clocks["audio_file_id"] == CUE.group_ids[1]
    knots = [
        [[0.0, lag], [100.0, 100.0 + lag]] if away else own
        for own, away in zip(clocks["knots"], of_second, strict=True)
    ]
    replace(store, CUE, "match_evidence", stem_alignments=clocks.assign(knots=knots))
    replace(store, CUE, "llm_mappings")
    of_first, away = (first_of(opened(filled), f"Stem {i}") for i in (0, 1))
    assert of_first["complete"].all()
    assert not away["roll"].any()
    assert not away["complete"].any()
    assert not away["labels_complete"]


@pytest.mark.engines("sqlite")
def test_nothing_is_complete_in_a_stem_of_which_no_track_is_known(store, filled):
    states = ["auto", "review", "auto"]  # the second is the only one of its stem
    mapped = changed("llm_mappings", "track_mappings", state=states)
    replace(store, CUE, "llm_mappings", track_mappings=mapped["track_mappings"])
    window = first_of(opened(filled), "Stem 1")
    assert not window["complete"].any()
    assert not window["roll"].any()


@pytest.mark.engines("sqlite")
def test_a_cue_that_is_not_ready_has_no_windows_and_is_told(store, filled):
    other = SyntheticCue(key="Reel 1/1m02", n_frames=500)
    load(store, other, ("tempo_map", "midi_events", "channel_groups", "mel_features"))
    windows = opened(filled)
    assert {item.cue_key for item in windows.items} == {CUE.key}
    assert windows.left_out == [(other.key, None, "'match_evidence' of it is missing")]
    # Without fields of the score its sound is enough.
    assert {i.cue_key for i in opened(filled, fields=["mel"]).items} == {CUE.key, other.key}


@pytest.mark.engines("sqlite")
def test_a_mel_that_was_made_otherwise_is_left_out_and_told(store, filled):
    load(store, SyntheticCue(key="Reel 1/1m02", n_mels=32, n_groups=1))
    windows = opened(filled)
    assert len(windows.items) == 2
    assert [(key, stem) for key, stem, _ in windows.left_out] == [("Reel 1/1m02", "Stem 0")]


def test_what_was_made_again_is_refused_and_never_mixed(store, filled):
    windows = opened(filled)
    windows[0]
    replace(store, CUE, "mel_features")
    with pytest.raises(NotReadyError, match="were made again since these windows were opened"):
        windows[0]


@pytest.mark.engines("sqlite")
def test_a_mapping_that_was_made_again_is_refused_too(store, filled):
    windows = opened(filled, fields=["roll"])
    replace(store, CUE, "llm_mappings")
    with pytest.raises(NotReadyError, match="'llm_mappings' of cue 'Reel 1/1m01' was made again"):
        windows[0]


@pytest.mark.engines("sqlite")
def test_a_split_needs_splits(filled):
    with pytest.raises(TrainingError, match="cue-pipeline splits make"):
        opened(filled, split="train")


@pytest.mark.engines("sqlite")
def test_a_library_without_such_a_mel_says_so(filled):
    with pytest.raises(TrainingError, match="no stem with a mel spectrogram 'mt3'"):
        opened(filled, profile="mt3")


def test_a_pack_holds_the_same_numbers_as_the_tables(filled, tmp_path, exported):
    pack = exported(filled, tmp_path / "pack")
    direct, packed = opened(filled), opened(pack)
    assert len(direct) == len(packed)
    for one, other in zip(direct.batches(7, seed=3), packed.batches(7, seed=3), strict=True):
        assert set(one) == {*EVERY, "window"}
        for name, array in one.items():
            assert array.dtype == other[name].dtype
            assert array.tobytes() == other[name].tobytes(), name


@pytest.mark.engines("sqlite")
def test_a_split_has_its_cues_in_tables_and_packs(store, filled, tmp_path, exported):
    other = SyntheticCue(key="Reel 1/1m02", n_frames=500)
    load(store, other)
    rule, now = {"seed": 0}, datetime.now(UTC)
    rows = [
        SplitRow(key, split, number, False, None, None, rule, "test", now)
        for number, (key, split) in enumerate({CUE.key: "train", other.key: "test"}.items())
    ]
    write_splits(store.engine, rows)
    for source in (filled, exported(filled, tmp_path / "pack")):
        for row in rows:
            items = opened(source, split=row.split).items
            assert {item.cue_key for item in items} == {row.cue_key}
        with pytest.raises(CuePipelineError, match=r"No split 'validation' in .*test, train"):
            opened(source, split="validation")


@pytest.mark.engines("sqlite")
def test_only_some_cues_are_taken_from_tables_and_packs(store, filled, tmp_path, exported):
    other = SyntheticCue(key="Reel 1/1m02", n_frames=500)
    load(store, other)
    for source in (filled, exported(filled, tmp_path / "pack")):
        assert {item.cue_key for item in opened(source, cues=[other.key]).items} == {other.key}
        with pytest.raises(CuePipelineError, match="No cue 'Reel 1/1m03' in"):
            opened(source, cues=["Reel 1/1m03"])


def test_the_command_line_has_the_group():
    assert {"pack", "verify"} <= set(cli.commands["export"].commands)
