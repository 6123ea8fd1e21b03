"""What can go wrong, named by cause.

Every message says what was found, where, what was needed and what to do about it, and never
holds a secret. A room raises its own child of :class:`CuePipelineError`; anything else that
leaves a room is a bug.
"""


class CuePipelineError(Exception):
    """Something that a user can understand and mend; shown without a traceback."""


class SettingsError(CuePipelineError):
    """A setting in the environment or in ``.env`` cannot be used."""


class CueError(CuePipelineError):
    """A cue folder, or the base folder of a library, cannot be used."""


class MidiFileError(CuePipelineError):
    """A MIDI file holds nothing that can be read."""


class AudioFileError(CuePipelineError):
    """An audio file cannot be read, or not to its end."""


class MappingError(CuePipelineError):
    """Tracks cannot be mapped to groups: the model failed, or an override names nothing."""


class WarehouseError(CuePipelineError):
    """The database cannot be reached, is refused, or does not fit the program."""
