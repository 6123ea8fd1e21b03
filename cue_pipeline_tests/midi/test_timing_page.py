"""The page on timing is true: its example runs, and it speaks of every column."""

import re
from pathlib import Path

from cue_pipeline.midi import timing
from cue_pipeline_tests.midi.smf import off, on, smf, tables

PAGE = (Path(__file__).parents[2] / "docs" / "timing.md").read_text(encoding="utf-8")


def test_the_example_on_the_page_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "docs/timing.md", "exec"), {})


def test_the_page_names_every_function_for_readers():
    functions = [n for n in vars(timing) if "_to_" in n]
    assert len(functions) == 6
    assert all(f"`{name}(" in PAGE for name in functions)


def test_the_page_speaks_of_every_column_that_says_when():
    found = tables(smf(on(60) + off(60, 1)))
    words = ("tick", "time", "bar", "beat", "map", "flags", "index", "sequence", "division")
    columns = {c for frame in found.values() for c in frame.columns if any(w in c for w in words)}
    columns -= {"track_index"}
    assert [c for c in sorted(columns) if f"`{c}`" not in PAGE and f"{c} " not in PAGE] == []
