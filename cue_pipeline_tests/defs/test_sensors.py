"""The sensor on CUE_ROOT: a real library on disk, a real warehouse, an ephemeral instance."""

import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.scan import CueScan, ScanProblem, find_cues
from cue_pipeline.defs import dagster_private as private
from cue_pipeline.defs import sensors
from cue_pipeline.defs.automation import automation_of
from cue_pipeline.defs.location import PROCESS_CUE, build_defs, find_assets
from cue_pipeline.defs.sensors import LAUNCHED_BY, SENSOR
from cue_pipeline.library import graph, watch
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.deciding import decide

ALL = set(graph.GRAPH)
ON_MIDI = {"tempo_map", "midi_events", "match_evidence", "llm_mappings"}


class Library:
    """A library that is looked at by the real sensor."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root = root
        self.instance = instance
        self.cursor: str | None = None
        self.settings = read_settings()
        self.defs = build_defs(self.settings)
        self.sensor = self.defs.resolve_sensor_def(SENSOR)
        self.store = open_store(self.settings.database_url.get_secret_value())
        self.said = ""

    def look(self) -> dict[str, set[str]]:
        """Evaluate the sensor once, as the daemon would; return the assets asked for, by cue."""
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=self.defs,
            resources={"library": self.defs.resources["library"]},
        ) as context:
            result = self.sensor(context)
        self.said = ""
        if isinstance(result, dg.SkipReason):
            self.said = result.skip_message
            return {}
        if result.skip_reason:
            self.said = result.skip_reason.skip_message
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions("cues", list(request.partition_keys))
        keys = [request.run_key for request in result.run_requests or ()]
        assert len(set(keys)) == len(keys)
        return {
            request.partition_key: {key.path[-1] for key in request.asset_selection}
            for request in result.run_requests or ()
        }

    def look_until_asked(self) -> dict[str, set[str]]:
        first = self.look()
        return first or self.look()

    def run(self, asked: dict[str, set[str]]) -> None:
        """Do what the daemon would do with the requests."""
        job = self.defs.resolve_job_def(PROCESS_CUE)
        for key, assets in asked.items():
            job.execute_in_process(
                partition_key=key,
                asset_selection=[dg.AssetKey(asset) for asset in assets],
                instance=self.instance,
                raise_on_error=False,
            )

    def state(self, key: str) -> str:
        cue = self.store.cue(key)
        assert cue is not None
        return cue.state


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith(("CUE_", "OPENAI_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    monkeypatch.setenv("CUE_ROOT", str(tmp_path / "library"))
    monkeypatch.setenv("CUE_SETTLE_SECONDS", "0")
    (tmp_path / "library").mkdir()
    return tmp_path


@pytest.fixture
def library(workplace):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Library(workplace / "library", instance)


def test_a_new_folder_becomes_a_partition_and_a_run_in_one_tick(library):
    write_cue(library.root, "Reel 1/1m01")
    assert library.look() == {}
    assert "first time" in library.said
    assert not library.instance.get_dynamic_partitions("cues")
    assert library.look() == {"Reel 1/1m01": ALL}
    assert library.instance.get_dynamic_partitions("cues") == ["Reel 1/1m01"]
    assert library.state("Reel 1/1m01") == "present"


def test_a_cue_is_asked_for_once_while_its_run_is_waiting(library):
    write_cue(library.root, "1m01")
    assert library.look_until_asked()
    assert library.look() == {}
    assert library.look() == {}


def test_a_processed_cue_is_left_alone(library):
    write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    assert library.look() == {}
    assert library.look() == {}
    assert library.said == "Nothing else to do."
    assert json.loads(library.cursor)["asked"] == {}


def test_a_folder_still_being_copied_waits_and_is_named(library, monkeypatch):
    monkeypatch.setenv("CUE_SETTLE_SECONDS", "3600")
    write_cue(library.root, "1m01")
    for _ in range(3):
        assert library.look() == {}
        assert "'1m01' still being copied" in library.said


def test_a_copy_that_keeps_the_old_dates_still_waits(library, monkeypatch):
    # cp -p and rsync -t set the dates of the source; the change time cannot be set back.
    monkeypatch.setenv("CUE_SETTLE_SECONDS", "3600")
    cue = write_cue(library.root, "1m01")
    for path in cue.rglob("*"):
        os.utime(path, (1, 1))
    library.look()
    assert "still being copied" in library.said


def test_a_hidden_file_of_a_copy_under_way_counts_as_young(tmp_path):
    cue = write_cue(tmp_path, "1m01")
    folder = find_cues(tmp_path).cues[0]
    later = time.time() + 100
    assert watch.quiet(folder, later, 50.0)
    hidden = cue / "PT" / "Audio Files" / ".1m01 VLN I_01.L.wav.Xy1"
    hidden.touch()
    assert watch.youngest_moment(folder) >= hidden.stat().st_ctime
    assert not watch.quiet(folder, time.time(), 50.0)


def test_a_folder_that_grows_between_two_looks_waits_for_a_third(library):
    cue = write_cue(library.root, "1m01")
    assert library.look() == {}
    shutil.copy(cue / "MIDI" / "1m01.mid", cue / "MIDI" / "1m01 alt.mid")
    assert library.look() == {}
    assert library.look() == {"1m01": ALL}


def test_half_a_cue_is_not_taken(library):
    cue = write_cue(library.root, "1m01")
    shutil.rmtree(cue / "PT")
    assert library.look() == {}
    assert library.look() == {}
    write_cue(library.root, "1m01")
    assert library.look_until_asked() == {"1m01": ALL}


def lengthen(path: Path) -> None:
    """Have a file hold one byte more."""
    path.write_bytes(path.read_bytes() + b"\0")


def test_a_changed_midi_file_asks_only_for_what_stands_on_midi(library):
    cue = write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    lengthen(cue / "MIDI" / "1m01.mid")
    assert library.look_until_asked() == {"1m01": ON_MIDI}


def test_a_changed_audio_file_asks_only_for_what_stands_on_audio(library):
    cue = write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    lengthen(next((cue / "PT" / "Audio Files").iterdir()))
    assert library.look_until_asked() == {"1m01": ALL - {"tempo_map", "midi_events"}}


def test_a_cue_that_goes_back_to_an_older_state_is_run_again(library):
    cue = write_cue(library.root, "1m01")
    midi = cue / "MIDI" / "1m01.mid"
    before, whole = midi.stat().st_mtime_ns, midi.read_bytes()
    library.run(library.look_until_asked())
    lengthen(midi)
    library.run(library.look_until_asked())
    midi.write_bytes(whole)
    os.utime(midi, ns=(before, before))
    assert library.look_until_asked() == {"1m01": ON_MIDI}


def test_a_failed_cue_is_not_run_again_until_its_files_change(library):
    cue = write_cue(library.root, "1m01")
    midi = cue / "MIDI" / "1m01.mid"
    whole = midi.read_bytes()
    midi.write_bytes(b"this is no MIDI file")
    library.run(library.look_until_asked())
    for _ in range(3):
        assert library.look() == {}
        assert "'1m01' failed and unchanged since" in library.said
    midi.write_bytes(whole)
    assert library.look_until_asked() == {"1m01": ON_MIDI}


def test_a_run_that_died_without_a_word_is_not_asked_for_again(library):
    write_cue(library.root, "1m01")
    library.look_until_asked()  # and nothing comes of it
    for _ in range(3):
        assert library.look() == {}


def test_a_reset_cursor_asks_again_under_a_new_run_key(library, monkeypatch):
    write_cue(library.root, "1m01")
    library.look_until_asked()
    before = json.loads(library.cursor)["epoch"]
    library.cursor = None
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert library.look_until_asked() == {"1m01": ALL}
    assert json.loads(library.cursor)["epoch"] != before


def test_a_cue_that_another_run_is_at_waits(library):
    write_cue(library.root, "1m01")
    library.look()
    run = library.instance.create_run_for_job(
        library.defs.resolve_job_def(PROCESS_CUE),
        tags={"dagster/partition": "1m01"},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert library.look() == {}
    assert "'1m01' with a run under way" in library.said
    library.instance.report_run_failed(run)
    assert library.look() == {"1m01": ALL}


def test_what_process_has_made_is_not_run_again(library):
    from cue_pipeline.library.plan import plan_library

    write_cue(library.root, "1m01")
    plan_library(library.root, library.store, library.settings)
    library.instance.add_dynamic_partitions("cues", ["1m01"])
    library.run({"1m01": ALL})
    assert library.look() == {}
    assert library.look() == {}


def test_a_changed_model_or_parameter_alone_runs_nothing(library, monkeypatch):
    write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    monkeypatch.setenv("CUE_MEL_N_MELS", "80")
    monkeypatch.setenv("CUE_MARKER_TRACKS", "sketch")
    assert library.look() == {}
    assert library.look() == {}


def test_a_removed_folder_is_marked_missing_and_keeps_its_rows(library):
    write_cue(library.root, "1m01")
    write_cue(library.root, "1m02")
    library.run(library.look_until_asked())
    shutil.move(library.root / "1m01", library.root.parent / "away")
    library.look()
    assert "'1m01' marked as missing" in library.said
    assert library.state("1m01") == "missing"
    assert len(library.store.read("1m01", "midi_notes")) > 0
    assert library.instance.get_dynamic_partitions("cues") == ["1m02"], "All: all that can run"
    shutil.move(library.root.parent / "away", library.root / "1m01")
    assert library.look_until_asked() == {}
    assert library.state("1m01") == "present"
    assert "1m01" in library.instance.get_dynamic_partitions("cues")


def data_versions(library: Library, key: str) -> dict[str, str]:
    """What Dagster last heard of each asset of a cue."""
    found = {}
    for asset in ALL:
        chosen = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[key])
        (record,) = library.instance.fetch_materializations(chosen, limit=1).records
        found[asset] = record.asset_materialization.tags["dagster/data_version"]
    return found


def verdicts(library, key):
    """What checks say of a cue, each of what was materialised last of it."""
    infos = library.instance.event_log_storage.get_asset_check_partition_info(
        [k for a in find_assets() for k in a.check_keys], partition_keys=[key]
    )
    assert all(
        i.latest_target_materialization_storage_id == i.latest_materialization_storage_id
        for i in infos
    )
    found = private.checked(library.instance, [i.check_key for i in infos], key)
    return {r.key.name: (r.evaluation.passed, r.evaluation.description) for r in found}


def test_a_renamed_folder_is_moved_with_all_that_dagster_knows_of_it(library, capsys):
    cue = write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    decide(library.store, "1m01", "Violins I", None, "Brass")
    before, checked = data_versions(library, "1m01"), verdicts(library, "1m01")
    assert len(checked) >= 5
    cue.rename(library.root / "1m01 In Too Deep")
    assert library.look_until_asked() == {}
    assert "moved: '1m01 In Too Deep' is '1m01'" in capsys.readouterr().err
    assert library.instance.get_dynamic_partitions("cues") == ["1m01 In Too Deep"]
    assert data_versions(library, "1m01 In Too Deep") == before
    assert verdicts(library, "1m01 In Too Deep") == checked
    assert [c.cue_key for c in library.store.cues()] == ["1m01 In Too Deep"]
    assert list(library.store.overrides("1m01 In Too Deep")["track"]) == ["Violins I"]
    write_cue(library.root, "9m09")  # a library without any cue counts as not mounted
    shutil.move(library.root / "1m01 In Too Deep", library.root.parent / "away")
    library.look()
    assert not library.instance.get_dynamic_partitions("cues"), "gone: no partition to run"
    shutil.move(library.root.parent / "away", library.root / "1m02")
    assert set(library.look_until_asked()) == {"9m09"}
    assert set(library.instance.get_dynamic_partitions("cues")) == {"1m02", "9m09"}
    assert data_versions(library, "1m02") == before
    assert verdicts(library, "1m02") == checked
    shutil.move(library.root / "1m02", library.root / "1m01 In Too Deep")
    assert library.look_until_asked() == {}
    assert verdicts(library, "1m01 In Too Deep") == checked, "where it was before"


def test_a_renamed_folder_waits_while_a_run_of_its_cue_is_under_way(library, capsys):
    cue = write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    cue.rename(library.root / "1m02")
    job = library.defs.resolve_job_def(PROCESS_CUE)
    run = library.instance.create_run_for_job(
        job, tags={"dagster/partition": "1m01"}, status=dg.DagsterRunStatus.STARTED
    )
    assert library.look_until_asked() == {}
    assert "it is '1m01', of which" in capsys.readouterr().err
    assert library.state("1m01") == "present"
    assert library.instance.get_dynamic_partitions("cues") == ["1m01"]
    library.instance.report_run_canceled(run)
    assert library.look_until_asked() == {}
    assert [c.cue_key for c in library.store.cues()] == ["1m02"]


def test_other_dates_alone_ask_for_nothing_and_are_told(library, capsys):
    cue = write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    for path in [p for p in cue.rglob("*") if p.is_file()]:
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert library.look_until_asked() == {}
    assert "restored: '1m01' has other dates" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["empty", "gone", "a file"])
def test_an_empty_or_unmounted_root_changes_nothing_and_says_so(library, how):
    write_cue(library.root, "1m01")
    library.run(library.look_until_asked())
    before = library.cursor
    shutil.move(library.root, library.root.parent / "away")
    if how == "empty":
        library.root.mkdir()
    elif how == "a file":
        library.root.write_text("")
    assert library.look() == {}
    assert "Nothing was changed" in library.said
    assert "mounted" in library.said or "is a file" in library.said
    assert library.state("1m01") == "present"
    assert library.cursor == before


def test_what_lies_in_a_folder_that_cannot_be_read_is_not_gone(library):
    write_cue(library.root, "Reel 1/1m01")
    write_cue(library.root, "Reel 2/2m01")
    write_cue(library.root, "1m02")
    library.run(library.look_until_asked())
    scan = find_cues(library.root)
    problem = ScanProblem(library.root / "Reel 1", "cannot be read")
    partly = CueScan(tuple(c for c in scan.cues if c.key == "1m02"), (problem,))
    known = {cue.cue_key: cue for cue in library.store.cues()}
    look = watch.decide(
        partly, library.root, watch.Known(known, {}, graph.code_versions(library.settings)),
        watch.Memory(), is_quiet=lambda f: True, busy_among=lambda keys: (), room=9, new_epoch="1",
    )  # fmt: skip
    assert look.gone == ("Reel 2/2m01",)


def test_a_cue_whose_copy_is_under_way_again_is_not_gone(library):
    cue = write_cue(library.root, "1m01")
    write_cue(library.root, "1m02")
    library.run(library.look_until_asked())
    shutil.rmtree(cue / "PT")
    library.look()
    assert library.state("1m01") == "present"


def test_a_key_of_another_library_is_refused_and_said(library, tmp_path, capsys):
    from cue_pipeline.library.plan import plan_library

    write_cue(tmp_path / "other", "1m01")
    plan_library(tmp_path / "other", library.store, library.settings)
    write_cue(library.root, "1m01")
    write_cue(library.root, "1m02")
    assert library.look_until_asked() == {"1m02": ALL}
    assert library.store.cue("1m01").root == str(tmp_path / "other")
    said = capsys.readouterr().err
    assert f"refused: '1m01': it is registered from '{tmp_path / 'other'}'" in said


def test_what_is_wrong_is_logged_once_not_at_every_tick(library, capsys):
    write_cue(library.root, "1m01")
    write_cue(library.root, "1m02, alt")
    library.look()
    assert "comma" in capsys.readouterr().err
    library.look()
    library.look()
    assert "comma" not in capsys.readouterr().err


def test_runs_already_waiting_take_the_room(library, monkeypatch):
    monkeypatch.setattr(sensors, "RUNS_WAITING", 3)
    write_cue(library.root, "1m01")
    job = library.defs.resolve_job_def(PROCESS_CUE)
    runs = [
        library.instance.create_run_for_job(
            job, tags=LAUNCHED_BY, status=dg.DagsterRunStatus.STARTING
        )
        for _ in range(3)
    ]
    library.look()
    assert library.look() == {}
    assert "1 left for the next looks" in library.said
    library.instance.report_run_failed(runs[0])
    assert library.look() == {"1m01": ALL}


def test_without_a_root_the_sensor_is_off_and_says_why(library, monkeypatch):
    monkeypatch.delenv("CUE_ROOT")
    off = build_defs(read_settings()).resolve_sensor_def(SENSOR)
    assert off.default_status == dg.DefaultSensorStatus.STOPPED
    assert library.sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert library.look() == {}
    assert "CUE_ROOT is not set" in library.said


def many_cues(n: int, root: Path) -> CueScan:

    return CueScan(
        tuple(
            CueFolder(
                f"Reel {k % 9}/m{k:04}", root, root / f"{k}", ("a.mid",), ("a.wav",), f"{k}", "f"
            )
            for k in range(n)
        ),
        (),
    )


def test_a_thousand_new_cues_are_taken_in_portions_with_a_small_cursor(tmp_path):
    scan = many_cues(1_000, tmp_path)
    known = watch.Known({}, {}, graph.code_versions(read_settings()))
    memory, taken, largest = watch.Memory(), set(), 0
    for tick in range(200):
        look = watch.decide(
            scan, tmp_path, known, memory, is_quiet=lambda f: True, busy_among=lambda keys: (),
            room=1_000, new_epoch=str(tick),
        )  # fmt: skip
        assert len(look.requests) <= watch.RUNS_PER_LOOK
        new = {request.folder.key for request in look.requests}
        assert not new & taken
        taken |= new
        memory = watch.Memory.from_cursor(look.memory.as_cursor())
        # What was asked for is done before the next look.
        known = watch.Known({"x": None}, known.ledger, known.versions)
        for request in look.requests:
            known.ledger[request.folder.key] = ledger_of(request.folder, known.versions)
        known.cues.pop("x")
        known = watch.Known({"stays": _row(tmp_path)}, known.ledger, known.versions)
        largest = max(largest, len(look.memory.as_cursor()))
        if len(taken) == 1_000:
            break
    assert len(taken) == 1_000
    assert largest < 32_000


def _row(root):
    from cue_pipeline.warehouse.store import CueRow

    moment = datetime.now(UTC)
    return CueRow(
        1, "stays", str(root) + "2", None, None, None, None, None, None, None, None, "present",
        "", "", "", moment, moment,
    )  # fmt: skip


def ledger_of(folder, versions):
    from cue_pipeline.warehouse.store import LedgerRow

    moment = datetime.now(UTC)
    expected = graph.expected_data_versions(folder, versions)
    return {
        asset: LedgerRow(
            folder.key, asset, "ready", graph.fingerprint(asset, folder), versions[asset],
            expected[asset], 1, None, moment, moment,
        )
        for asset in graph.GRAPH
    }  # fmt: skip


@pytest.mark.parametrize("text", [None, "", "{}", "no json", "[]", '{"seen": 3}'])
def test_a_mangled_cursor_is_an_empty_memory(text):
    assert watch.Memory.from_cursor(text) == watch.Memory()


@pytest.mark.parametrize(
    ("automate", "automated"),
    [("never", set()), ("cheap", ALL - {"llm_mappings"}), ("all", ALL)],
)
def test_only_what_is_asked_for_is_automated_and_the_model_by_name(
    workplace, monkeypatch, automate, automated
):
    monkeypatch.setenv("CUE_AUTOMATE", automate)
    settings = read_settings()
    assert {a for a in graph.GRAPH if automation_of(a, settings)} == automated
    assets = build_defs(settings).resolve_asset_graph()
    assert {a for a in ALL if assets.get(dg.AssetKey(a)).automation_condition} == automated
