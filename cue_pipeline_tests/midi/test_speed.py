"""Reading costs no Python object per event; `python -m benchmarks.bench_midi` has the figures."""

import io
import subprocess
import sys
import time
import tracemalloc

import mido

from cue_pipeline_tests.midi.smf import message, read, smf, tables

CONTROLLERS = smf(
    *[b"".join(message(0xB0, 1, i & 127, delta=i % 200) for i in range(15_000)) for _ in range(4)]
)


def cpu_seconds(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def test_a_dense_file_is_in_tables_well_before_mido_has_parsed_it():
    tables(CONTROLLERS)  # pandas is imported by now
    theirs = cpu_seconds(lambda: mido.MidiFile(file=io.BytesIO(CONTROLLERS)))
    assert cpu_seconds(lambda: tables(CONTROLLERS)) < 0.5 * theirs


def test_memory_grows_by_some_bytes_an_event_and_not_by_an_object():
    tracemalloc.start()
    file = read(CONTROLLERS)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 40 * len(file.messages)
    assert peak < 40 * len(CONTROLLERS) + (16 << 20)


def test_importing_the_room_loads_no_pandas():
    code = "import sys, cue_pipeline.midi.score_rows; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
