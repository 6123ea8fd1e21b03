"""Data sets on disk: how one is written, finished and verified, whatever its format.

A format is a module with a class that keeps to :class:`~.formats.Format` and one entry in
``formats.FORMATS``. It writes below the folder that an :class:`~.unfinished.Unfinished` gives it,
names what it has written in the manifest, and can say what is wrong with a data set of its own.
"""
