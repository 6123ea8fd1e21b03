"""Data sets for the tests of this room."""

import pytest

from cue_pipeline.reading import open_library
from cue_pipeline.training.exports.formats import Request, format_named


@pytest.fixture
def exported():
    """Return what exports a library in a format."""

    def export(url, out, form="pack", **options):
        request = Request(open_library(url), out, "CC0-1.0", **options)
        format_named(form).write(request)
        return out

    return export
