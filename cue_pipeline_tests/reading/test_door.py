"""What comes in with ``import cue_pipeline``."""

import subprocess
import sys
from pathlib import Path

import pytest

import cue_pipeline as cp

HEAVY = ("pandas", "numpy", "sqlalchemy", "dagster", "pydantic", "click")


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, cue_pipeline; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_needs_no_dagster_and_no_audio_machinery():
    code = (
        "import sys, cue_pipeline; cue_pipeline.open_library;"
        "print([m for m in ('dagster', 'librosa', 'numba', 'scipy', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_door_is_there_and_others_are_not():
    assert all(hasattr(cp, name) for name in cp.__all__)
    assert set(cp.__all__) <= set(dir(cp))
    with pytest.raises(AttributeError, match="no attribute 'open_libary'"):
        cp.open_libary  # noqa: B018 - a misspelling


def test_the_package_tells_type_checkers_that_it_is_typed():
    assert (Path(cp.__file__).parent / "py.typed").is_file()
