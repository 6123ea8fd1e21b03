"""Kernels compiled by numba, and the choice between them and numpy.

Why there are kernels: decoding, levels, downmix and the mel spectrogram of a 24-bit stem read and
write every sample several times over in numpy, and its FFTs take one frame at a time. A kernel
does all of it while a block is in the core's cache, eight frames abreast, in about a fifth of the
time. What that costs is half a second of loading in each process, a compiler among the
dependencies, and code that few can read: so it is fenced in here. Nothing outside imports numba or
llvmlite, which an import contract holds; the rest of ``audio`` asks :mod:`.choice`, and every
kernel has a counterpart in numpy, which does the work wherever numba cannot.
"""
