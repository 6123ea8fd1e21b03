"""A run looks at its cue once; what it saw ends with it."""

import sys
from collections import Counter

import dagster as dg
import pytest

from cue_pipeline.audio import grouping
from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.library.plan import plan_library
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue, write_midi

COUNTED: Counter[str] | None = None


def _count(event: str, arguments: tuple) -> None:
    if COUNTED is not None and event in ("open", "os.scandir") and isinstance(arguments[0], str):
        COUNTED[arguments[0]] += 1


sys.addaudithook(_count)  # Python has no way to take one off


@pytest.fixture
def opened(monkeypatch):
    """How often each file was opened and each folder listed, by the interpreter's own word."""
    counted: Counter[str] = Counter()
    monkeypatch.setattr(sys.modules[__name__], "COUNTED", counted)
    return counted


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """One cue, and one job in one process, which may run any number of times."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    cue = write_cue(tmp_path / "library", "1m01")
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    plan_library(tmp_path / "library", store, settings)
    job = build_defs(settings).resolve_job_def(PROCESS_CUE)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", ["1m01"])

        def run(*assets):
            selection = [dg.AssetKey(a) for a in assets] or None
            assert job.execute_in_process(
                partition_key="1m01", instance=instance, asset_selection=selection
            ).success

        yield cue, store, run


def test_a_run_lists_the_folder_and_reads_each_midi_file_and_header_once(
    workplace, opened, monkeypatch
):
    cue, _, run = workplace
    headers: Counter[str] = Counter()

    def read_audio_header(folder, file, *args, **kwargs):
        headers[file] += 1
        return original(folder, file, *args, **kwargs)

    original = grouping.read_audio_header
    monkeypatch.setattr(grouping, "read_audio_header", read_audio_header)
    run()
    assert opened[str(cue / "MIDI" / "1m01.mid")] == 1
    assert opened[str(cue / "MIDI")] == opened[str(cue)] == 1
    assert len(headers) == 11
    assert set(headers.values()) == {1}


def test_the_next_run_of_the_same_process_sees_what_changed_since(workplace):
    cue, store, run = workplace
    run()
    assert len(store.read("1m01", "midi_notes")) == 9
    write_midi(cue / "MIDI" / "1m01.mid", {"Violins I": [(0, 60, 400)]})
    (cue / "PT" / "Audio Files" / "1m01 FHN_01.L.wav").unlink()
    (cue / "PT" / "Audio Files" / "1m01 FHN_01.R.wav").unlink()
    run()
    assert len(store.read("1m01", "midi_notes")) == 1
    assert list(store.read("1m01", "audio_files").canonical_name) == ["1m01 VLN I_01"]


def test_an_asset_that_runs_alone_looks_for_itself(workplace, opened):
    cue, store, run = workplace
    run("tempo_map")
    run("midi_events")
    assert opened[str(cue / "MIDI" / "1m01.mid")] == 2
    assert len(store.read("1m01", "midi_notes")) == 9


def test_a_file_that_changes_during_a_run_is_found_by_the_next_plan(workplace, monkeypatch):
    from cue_pipeline.midi import score_rows

    cue, store, run = workplace
    original = score_rows.tempo_map_tables

    def tempo_map_tables(*args, **kwargs):
        tables = original(*args, **kwargs)
        write_midi(cue / "MIDI" / "1m01.mid", {"Violins I": [(0, 60, 400)]})
        return tables

    monkeypatch.setattr(score_rows, "tempo_map_tables", tempo_map_tables)
    run()
    # Both assets of the score are of the file as it was, and say so.
    assert len(store.read("1m01", "midi_notes")) == 9
    (plan,) = plan_library(cue.parent, store, read_settings(), dry_run=True).cues
    assert {"tempo_map", "midi_events"} <= set(plan.assets)
