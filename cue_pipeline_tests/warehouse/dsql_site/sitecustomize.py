"""Holds every engine of a Python process to Aurora DSQL's limits.

Python imports this at its start when the folder is on ``PYTHONPATH``: so the command line and its
worker processes run on the emulation without knowing of it. ``CUE_TEST_DSQL_CONFLICTS`` is the
share of commits that lose.
"""

import os

from cue_pipeline_tests.warehouse import dsql_emulation

_limits = dsql_emulation.installed()
_limits.__enter__()
_conflicts = dsql_emulation.conflicts()
_conflicts.__enter__().share = float(os.environ.get("CUE_TEST_DSQL_CONFLICTS", "0"))
