"""What windows refuse, as an error of the pipeline where that is installed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cue_pipeline.errors import TrainingError as _Error
else:
    try:
        from cue_pipeline.errors import TrainingError as _Error
    except ImportError:  # the wheel that stands alone
        _Error = Exception


class WindowsError(_Error):
    """Windows cannot be given as they were asked for, or a pack is not whole."""
