"""The Python door: what the pipeline made of a library, read by cue, stem and mix.

Nothing here writes, neither to the database nor to the library. Rows are given only where the
ledger vouches for them.
"""

from cue_pipeline.reading.one_cue import Cue
from cue_pipeline.reading.spectrogram import Mel
from cue_pipeline.reading.stem import Mix, Stem
from cue_pipeline.reading.tempo import Tempo
from cue_pipeline.reading.whole_library import Library, open_library

__all__ = ["Cue", "Library", "Mel", "Mix", "Stem", "Tempo", "open_library"]
