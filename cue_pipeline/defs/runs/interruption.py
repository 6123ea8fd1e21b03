"""A run that a person ends does end.

Dagster's retry policy holds for interrupts too: a step that is interrupted is tried again some
seconds later, although its run was told to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError


@contextmanager
def ends_when_told(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Let an interrupt end the step for good if its run was told to end.

    Raises
    ------
    dagster.Failure
        In place of the interrupt, if the run is being canceled or has been.
    """
    try:
        yield
    except (DagsterExecutionInterruptedError, KeyboardInterrupt) as e:
        run = instance.get_run_by_id(run_id)
        told = run is None or run.is_finished or run.status == dg.DagsterRunStatus.CANCELING
        if told:
            raise dg.Failure("The run was told to end.", allow_retries=False) from e
        raise
