"""Checks of a cue: judged by damage that is put in on purpose, and shown without failing a run."""

import contextlib
import logging

import dagster as dg
import mido
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from cue_pipeline.cue.scan import read_cue_folder
from cue_pipeline.defs.checks import check_results
from cue_pipeline.defs.location import PROCESS_CUE, build_defs, find_assets
from cue_pipeline.library import quality as judgments
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.midi.recount import UncountableError, count_notes
from cue_pipeline.midi.score_rows import midi_events_tables, read_midi_files
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import tone, write_audio, write_cue

CHECKS = {asset.key.path[-1]: {key.name for key in asset.check_keys} for asset in find_assets()}


def materialise(tmp_path, monkeypatch, key="1m01", **env):
    """Run all assets of a written cue in process; return the verdicts and the run's result."""
    for name in ("OPENAI_API_KEY", "CUE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    store.register_cues([read_cue_folder(tmp_path, key)])
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", [key])
        result = (
            build_defs(settings)
            .resolve_job_def(PROCESS_CUE)
            .execute_in_process(partition_key=key, instance=instance, raise_on_error=False)
        )
    verdicts = {e.check_name: e for e in result.get_asset_check_evaluations()}
    return verdicts, result


def failed(verdicts):
    return {name for name, verdict in verdicts.items() if not verdict.passed}


def test_every_check_is_judged_of_a_cue_and_none_fails_the_run(tmp_path, monkeypatch):
    write_cue(tmp_path, "1m01")
    verdicts, result = materialise(tmp_path, monkeypatch)
    assert result.success
    assert set(verdicts) == set().union(*CHECKS.values())
    assert verdicts["notes_are_kept"].passed
    assert "All 9 notes" in verdicts["notes_are_kept"].description
    assert {verdict.partition for verdict in verdicts.values()} == {"1m01"}


def test_a_selected_asset_brings_its_checks_and_no_other(tmp_path, monkeypatch):
    write_cue(tmp_path, "1m01")
    materialise(tmp_path, monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", ["1m01"])
        result = (
            build_defs(read_settings())
            .resolve_job_def(PROCESS_CUE)
            .execute_in_process(
                partition_key="1m01",
                instance=instance,
                asset_selection=[dg.AssetKey("tempo_map")],
            )
        )
    assert (
        {e.check_name for e in result.get_asset_check_evaluations()} == CHECKS["tempo_map"] != set()
    )


def test_every_asset_of_the_ui_explains_itself(tmp_path, monkeypatch):
    write_cue(tmp_path, "1m01")
    _, result = materialise(tmp_path, monkeypatch)
    pictured = set()
    for event in result.get_asset_materialization_events():
        materialisation = event.materialization
        for value in materialisation.metadata.values():
            if isinstance(value, dg.MarkdownMetadataValue) and "data:image" in value.value:
                pictured.add(materialisation.asset_key.path[-1])
                assert len(value.value) < 128 * 1024
    assert pictured == set(GRAPH) - {"channel_groups"}  # which shows a table
    specs = build_defs(read_settings()).resolve_all_asset_specs()
    for spec in specs:
        assert spec.owners
        assert spec.group_name
        assert spec.kinds
        assert len(spec.description) > 100
        schema = spec.metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns)


def test_a_picture_that_cannot_be_drawn_costs_no_row(tmp_path, monkeypatch):
    from cue_pipeline.pictures import score

    def stumble(*_):
        raise ZeroDivisionError("no paint")

    monkeypatch.setattr(score, "tempo_picture", stumble)
    write_cue(tmp_path, "1m01")
    _, result = materialise(tmp_path, monkeypatch)
    assert result.success


def test_a_judge_that_stumbles_is_a_warning(tmp_path, monkeypatch):
    def stumble(*_):
        raise ZeroDivisionError("no verdict")

    monkeypatch.setattr(judgments, "stems_sound", stumble)
    write_cue(tmp_path, "1m01")
    verdicts, result = materialise(tmp_path, monkeypatch)
    assert result.success
    assert not verdicts["stems_sound"].passed
    assert verdicts["stems_sound"].severity == dg.AssetCheckSeverity.WARN
    assert "no verdict" in verdicts["stems_sound"].description


def test_damaged_stems_are_named_and_the_run_succeeds(tmp_path, monkeypatch):
    cue = write_cue(tmp_path, "1m01")
    audio = cue / "PT" / "Audio Files"
    torn = audio / "1m01 FHN_01.L.wav"
    torn.write_bytes(torn.read_bytes()[:60_000])
    write_audio(audio, {"1m01 HP_01.L": np.zeros(48_000, "float32")})
    write_audio(audio, {"1m01 HP_01.R": np.zeros(48_000, "float32")})
    write_audio(audio, {f"1m01 SYN_01.{c}": tone(200.0) for c in ("L", "C", "R", "Ls", "Rs")})
    verdicts, result = materialise(tmp_path, monkeypatch)
    assert result.success
    assert {"stems_sound", "channels_are_complete"} <= failed(verdicts)
    which = verdicts["stems_sound"].metadata["which"].value
    assert "FHN" in which
    assert "silent" in which
    assert verdicts["stems_sound"].metadata["truncated files"].value == 1
    assert verdicts["stems_sound"].metadata["silent stems"].value == 1


def test_a_file_without_tempo_is_told_and_one_with_it_is_not(tmp_path):
    midi = write_cue(tmp_path, "1m01") / "MIDI"
    for path in midi.iterdir():
        path.unlink()
    track = mido.MidiTrack([mido.Message("note_on", note=60, velocity=9, time=0)])
    mido.MidiFile(tracks=[track]).save(midi / "without.mid")
    verdict = judgments.tempo_is_written(read_midi_files(read_cue_folder(tmp_path, "1m01")))
    assert not verdict.passed
    assert verdict.offenders == ["MIDI/without.mid"]
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])  # MIDI's own default
    mido.MidiFile(tracks=[track]).save(midi / "with.mid")
    verdict = judgments.tempo_is_written(read_midi_files(read_cue_folder(tmp_path, "1m01")))
    assert verdict.passed
    assert "1 of them by the tempo map of another file" in verdict.text


def test_a_lost_note_is_an_error(tmp_path):
    write_cue(tmp_path, "1m01")
    folder = read_cue_folder(tmp_path, "1m01")
    outcomes = read_midi_files(folder)
    tables = midi_events_tables("1m01", outcomes, ("conductor",))
    assert judgments.notes_are_kept(outcomes, tables, ("conductor",)).passed
    tables["midi_notes"] = tables["midi_notes"].iloc[:-2]
    verdict = judgments.notes_are_kept(outcomes, tables, ("conductor",))
    assert not verdict.passed
    assert verdict.severity == "ERROR"
    assert verdict.figures["notes lost"] == 2


def random_file(seed: int) -> mido.MidiFile:
    rng = np.random.default_rng(seed)
    tracks = []
    for _ in range(rng.integers(1, 5)):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name="n" * rng.integers(0, 300))])
        for _ in range(rng.integers(0, 60)):
            time, kind = int(rng.integers(0, 40_000)), rng.integers(0, 7)
            note, value = int(rng.integers(0, 128)), int(rng.integers(0, 128))
            track.append(
                [
                    mido.Message("note_on", note=note, velocity=value, time=time),
                    mido.Message("note_on", note=note, velocity=0, time=time),
                    mido.Message("note_off", note=note, velocity=value, time=time),
                    mido.Message("program_change", program=note, time=time),
                    mido.Message("pitchwheel", pitch=value, time=time),
                    mido.Message("sysex", data=[value] * note, time=time),
                    mido.MetaMessage("marker", text="m" * value, time=time),
                ][kind]
            )
        tracks.append(track)
    return mido.MidiFile(type=1, tracks=tracks)


@pytest.mark.parametrize("seed", range(40))
def test_the_second_reader_counts_what_mido_counts(tmp_path, seed):
    midi = random_file(seed)
    midi.save(tmp_path / "x.mid")
    expected = [
        sum(m.type == "note_on" and m.velocity > 0 for m in track)
        for track in mido.MidiFile(tmp_path / "x.mid").tracks
    ]
    assert count_notes((tmp_path / "x.mid").read_bytes()) == expected


def test_running_status_counts_and_ends_with_a_meta_event():
    body = bytes.fromhex("00903c40 003e40 003c00 00ff010158 00903c40 00ff2f00")
    data = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(body).to_bytes(4, "big") + body
    assert count_notes(data) == [3]


@pytest.mark.parametrize("seed", range(30))
def test_the_second_reader_gives_up_on_damage_and_never_breaks(tmp_path, seed):
    random_file(seed).save(tmp_path / "x.mid")
    data = bytearray((tmp_path / "x.mid").read_bytes())
    rng = np.random.default_rng(seed)
    for _ in range(20):
        hurt = bytearray(data[: rng.integers(0, len(data))])
        for at in rng.integers(0, max(1, len(hurt)), 3):
            if hurt:
                hurt[at] = rng.integers(0, 256)
        with contextlib.suppress(UncountableError):
            count_notes(bytes(hurt))


@pytest.mark.parametrize(
    ("residual", "passed", "said"),
    [
        (-200.0, True, "nothing"),
        (-41.5, True, "-41.5"),
        (-6.0, False, "missing or old"),
        (None, True, "not computed"),
    ],
)
def test_stems_that_do_not_sum_to_the_mix_are_told(residual, passed, said):
    mixes = pd.DataFrame(
        {
            "canonical_name": ["1m01 6mx"],
            "role": ["mix"],
            "residual_db": pd.Series([residual], dtype="float64"),
            "residual": [{"method": "not computed: the cue has no stems"}],
        }
    )
    verdict = judgments.stems_sum_to_mix(mixes)
    assert verdict.passed is passed
    assert said in verdict.text


def test_stems_need_not_add_up_to_a_fold_down_nor_to_an_old_mix():
    mixes = pd.DataFrame(
        {
            "canonical_name": ["1m01 LtRt", "1m01 6mx_old"],
            "role": ["fold-down", "old mix"],
            "residual_db": [-3.0, -3.0],
            "residual": [{"method": "any"}] * 2,
        }
    )
    assert judgments.stems_sum_to_mix(mixes).passed


def test_a_cue_without_a_mix_passes_and_says_so():
    empty = pd.DataFrame({"canonical_name": [], "residual_db": [], "residual": []})
    assert "no final mix" in judgments.stems_sum_to_mix(empty).text


def test_tracks_in_doubt_are_named_with_their_reason():
    mappings = pd.DataFrame(
        {
            "midi_track_id": [1, 2, 3],
            "state": ["auto", "review", "unmatched"],
            "reason": ["", "two fit alike", "no such stem"],
        }
    )
    names = {1: "a", 2: "b", 3: ""}
    page = "http://127.0.0.1:3001/#cue=1m01"
    review = judgments.nothing_awaits_review(mappings, names, page)
    lone = judgments.tracks_are_matched(mappings, names)
    assert (review.passed, lone.passed) == (False, False)
    assert review.offenders == ["b: two fit alike"]
    assert lone.offenders == ["(no name): no such stem"]
    checks = {"nothing_awaits_review": "No mapping is in doubt."}
    (told,) = check_results(checks, {"nothing_awaits_review": lambda: review}, logging.getLogger())
    assert told.metadata["review page"] == dg.MetadataValue.url(page)
    assert judgments.nothing_awaits_review(mappings[:1], names, page).see == ""


def test_a_column_that_is_not_there_fails_its_asset_at_once_with_the_cure(tmp_path, monkeypatch):
    """The policy's three retries would take half a minute for each cue."""
    write_cue(tmp_path, "1m01")
    url = f"sqlite:///{tmp_path / 'w.db'}"
    with open_store(url).engine.begin() as connection:
        for view in sa.inspect(connection).get_view_names():
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.execute(sa.text("ALTER TABLE midi_notes DROP COLUMN beat"))
    verdicts, result = materialise(tmp_path, monkeypatch)
    step = next(e for e in result.get_step_failure_events() if e.step_key == "midi_events")
    told = str(step.event_specific_data)
    assert "lacks 'midi_notes.beat', which this program needs" in told
    assert "cue-pipeline db upgrade" in told
    assert not [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    assert verdicts["tempo_is_written"].passed


def test_a_mapping_made_alone_names_what_it_lacks_and_stores_nothing(tmp_path, monkeypatch):
    cue = write_cue(tmp_path, "1m01")
    for path in (cue / "MIDI").iterdir():
        path.write_bytes(b"no MIDI file")
    materialise(tmp_path, monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", ["1m01"])
        result = (
            build_defs(read_settings())
            .resolve_job_def(PROCESS_CUE)
            .execute_in_process(
                partition_key="1m01",
                instance=instance,
                asset_selection=[dg.AssetKey("llm_mappings")],
                raise_on_error=False,
            )
        )
    assert not result.success
    told = "".join(str(event.event_specific_data) for event in result.get_step_failure_events())
    assert "on which this asset stands, is not ready: tempo_map failed" in told
    assert "no usable MIDI file" in told


def lufs(**by_name):
    return {name: {"integrated_lufs": value} for name, value in by_name.items()}


def test_a_stem_that_is_louder_than_the_mix_is_named():
    verdict = judgments.stems_fit_the_mix(
        lufs(strings=-19.0, brass=-12.5, silent=None), lufs(mix=-16.0, other=-18.0)
    )
    assert not verdict.passed
    assert verdict.offenders == ["brass: -12.5 LUFS"]
    # A stem alone is the mix; a little louder it may be, where others cancel it in part.
    assert judgments.stems_fit_the_mix(lufs(strings=-14.0), lufs(mix=-16.0)).passed
    assert judgments.stems_fit_the_mix(lufs(strings=-14.0), {}).passed


def test_clicks_dropouts_and_hum_are_told_by_sound_and_channel():
    clean = {"clicks": 0, "dropouts": 0, "hum_hz": None, "hum_dbfs": None}
    faulty = {"clicks": 3, "dropouts": 0, "hum_hz": 50, "hum_dbfs": -60.0}
    verdict = judgments.sound_is_clean({"VLN": {"L": clean, "R": faulty}, "6mx": {"C": clean}})
    assert not verdict.passed
    assert verdict.offenders == ["VLN, channel R: 3 clicks, hum of 50 Hz"]
    assert verdict.figures == {"clicks": 3, "dropouts": 0, "channels with hum": 1}
    assert judgments.sound_is_clean({"VLN": {"L": clean}}).passed
