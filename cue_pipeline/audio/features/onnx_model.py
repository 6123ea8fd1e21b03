"""Neural models of sound as ONNX files that people have on disk: nothing is ever downloaded.

What a file does not say of itself stands beside it, as exporters write it: the sample rate in
``preprocessor_config.json`` (``sampling_rate``; ``do_normalize`` is obeyed), or else in the file's
own metadata (``sample_rate``). Weights may stand in files of their own beside it (external data).
"""

import json
import mmap
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import Samples
from cue_pipeline.errors import SettingsError

_READ_AT_ONCE = 1 << 24
_MASKS = frozenset({"attention_mask", "padding_mask"})  # of samples: all of them are sound
_LEAST_VARIANCE = 1e-7  # as transformers' feature extractors have it
_LEAST_RATE, _HIGHEST_RATE = 1_000, 768_000  # Hz: what is less was meant as kHz
_DESCRIPTION = "preprocessor_config.json"
# Of a tensor's ``external_data``, as protobuf writes it: the key "location", the value's length.
_WEIGHTS_AT = re.compile(rb"\x0a\x08location\x12([\x01-\x7f]|[\x80-\xff][\x01-\x7f])")

State = tuple[tuple[Path, int, int], ...]
"""Files that a model is made of, the size of each, and when it was changed, ns."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model that takes samples.

    Attributes
    ----------
    path : Path
    setting : str
        That names it, for messages.
    digest : str
        XXH3-128 of the file, and of the weights beside it that it names.
    sample_rate : int
        Hz, of what it hears.
    normalises : bool
        Whether each window is brought to mean 0 and variance 1 first.
    window : int or None
        Samples that it takes, where it takes no other number.
    state : State
        Of its files, as it was opened.
    """

    path: Path
    setting: str
    digest: str
    sample_rate: int
    normalises: bool
    window: int | None
    state: State

    def run(self, windows: Samples, outputs: Sequence[str], kind: str) -> npt.NDArray[Any]:
        """Return an output for some windows, shape=(n, samples).

        Parameters
        ----------
        windows : np.ndarray, shape=(n, samples)
        outputs : sequence of str
            Names by which it may be called, the likeliest first.
        kind : {"float", "int"}
            Of its values, where no name is known.
        """
        session = _session(self.path, self.state, os.getpid())
        name = _output_of(session, outputs, kind)
        if name is None:
            raise SettingsError(
                f"{self.setting}={str(self.path)!r} has no output of type {kind}. Export the "
                "encoder alone."
            )
        if self.normalises:
            centred = windows - windows.mean(axis=1, keepdims=True)
            spread = np.sqrt(centred.var(axis=1, keepdims=True) + _LEAST_VARIANCE)
            windows = np.asarray(centred / spread, np.float32)
        # Where the file fixes the number of windows it takes, that is one.
        step = 1 if isinstance(_input_of(session).shape[0], int) else len(windows)
        found = [
            self._computed(session, name, windows[first : first + step])
            for first in range(0, len(windows), step)
        ]
        return np.concatenate(found, axis=1 if found[0].ndim == 4 else 0)

    def _computed(self, session: Any, output: str, windows: Samples) -> npt.NDArray[Any]:
        try:
            found = np.asarray(session.run([output], _feeds(session, windows))[0])
        except MemoryError:
            raise
        except Exception as e:
            raise SettingsError(
                f"{self.setting}={str(self.path)!r} cannot be run on samples of shape "
                f"{windows.shape}: {str(e).splitlines()[0]}. An encoder that takes (batch, "
                "samples) or (batch, 1, samples) is needed."
            ) from e
        if found.ndim < 2 or not found.size:
            raise SettingsError(
                f"{self.setting}={str(self.path)!r} gave an output of shape {found.shape} of "
                f"samples of shape {windows.shape}: something of each window is needed."
            )
        return found

    @property
    def provider(self) -> str:
        """What computes it: ``CUDAExecutionProvider``, ``CPUExecutionProvider``, …."""
        return str(_session(self.path, self.state, os.getpid()).get_providers()[0])

    def params(self) -> dict[str, Any]:
        """Return what tells its numbers from another's."""
        return {"model": self.path.name, "model_xxh3": self.digest, "normalises": self.normalises}


def open_model(path: Path | None, setting: str, kind: str) -> OnnxModel:
    """Return the model that a setting names.

    Parameters
    ----------
    path : Path, optional
        The file.
    setting, kind : str
        For messages.

    Raises
    ------
    SettingsError
        If there is none, it cannot be read, or hears something else than samples.
    """
    if path is None:
        raise SettingsError(
            f"CUE_FEATURES names '{kind}', which is made by a model of yours: {setting} has to "
            "name an ONNX file of it. docs/features.md says which will do."
        )
    try:
        state = _state(path.absolute())
    except OSError as e:
        raise SettingsError(f"{setting}={str(path)!r} cannot be read: {e.strerror}.") from e
    return _opened(path.absolute(), setting, state)


def _state(path: Path) -> State:
    """Return the state of a model, of its weights beside it, and of what may describe it."""
    own = path.stat()
    others = [*_weights(path, own.st_size, own.st_mtime_ns), *_descriptions(path)]
    states = ((file, file.stat()) for file in (path, *others) if file.is_file())
    return tuple((file, state.st_size, state.st_mtime_ns) for file, state in states)


@cache
def _weights(path: Path, size: int, _changed: int) -> tuple[Path, ...]:
    """Return the files of weights that a model names: they stand in its folder, or below."""
    if not size:
        return ()
    names = set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for found in _WEIGHTS_AT.finditer(data):
            low, high = found[1][0], found[1][1:]
            length = low if not high else (low & 0x7F) + (high[0] << 7)
            names.add(data[found.end() : found.end() + length])
    return tuple(path.parent / os.fsdecode(name) for name in sorted(names) if b"\0" not in name)


def _descriptions(path: Path) -> tuple[Path, ...]:
    """Return where a description of a model may stand, the nearer first."""
    # Exporters put the files of a model into a folder below its description.
    return path.parent / _DESCRIPTION, path.parent.parent / _DESCRIPTION


def _refuse_changed(path: Path, state: State) -> None:
    if _state(path) != state:
        raise SettingsError(
            f"The model '{path}' was replaced while it was in use: what it gave before and what it "
            "gives now are not of one model. Process anew."
        )


@cache
def _opened(path: Path, setting: str, state: State) -> OnnxModel:
    session = _session(path, state, os.getpid())
    heard = _input_of(session)
    if not _takes_samples(heard.shape) or heard.type != "tensor(float)":
        raise SettingsError(
            f"{setting}={str(path)!r} takes {heard.type} of shape {heard.shape}; samples are "
            "needed, as (batch, samples) or (batch, 1, samples). Export it with its front end."
        )
    others = [i.name for i in session.get_inputs()[1:] if i.name not in _MASKS]
    if others:
        raise SettingsError(
            f"{setting}={str(path)!r} wants more than samples: {', '.join(others)}. Export the "
            "encoder of sound alone."
        )
    rate, normalises = _front_end(path, session, setting)
    window = heard.shape[-1] if isinstance(heard.shape[-1], int) else None
    digest = _digest([path, *_weights(*state[0])])
    _refuse_changed(path, state)
    return OnnxModel(path, setting, digest, rate, normalises, window, state)


@cache
def _session(path: Path, state: State, _process: int) -> Any:
    """Return a session of this process: threads and devices do not survive a fork."""
    try:
        import onnxruntime
    except ImportError as e:
        raise SettingsError(
            f"The model '{path.name}' needs onnxruntime: pip install 'cue-pipeline[onnx]'; "
            "onnxruntime-gpu, where there is CUDA."
        ) from e
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # stems run side by side
    options.log_severity_level = 3
    known = onnxruntime.get_available_providers()
    wanted = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in known]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as e:
        raise SettingsError(
            f"'{path}' is no ONNX model that can be loaded: {str(e).splitlines()[0]}"
        ) from e
    _refuse_changed(path, state)
    return session


def _input_of(session: Any) -> Any:
    return session.get_inputs()[0]


def _takes_samples(shape: Sequence[int | str | None]) -> bool:
    """Tell whether an input may be (batch, samples) or (batch, 1, samples): names fit anything."""
    return len(shape) == 2 or (len(shape) == 3 and (shape[1] == 1 or not isinstance(shape[1], int)))


def _output_of(session: Any, names: Sequence[str], kind: str) -> str | None:
    outputs = {o.name: o.type for o in session.get_outputs()}
    of_kind = [name for name, is_of in outputs.items() if kind in is_of]
    return next((name for name in (*names, *of_kind) if name in of_kind), None)


def _feeds(session: Any, windows: Samples) -> dict[str, Any]:
    heard = _input_of(session)
    shaped = windows if len(heard.shape) == 2 else windows[:, None, :]
    feeds: dict[str, Any] = {heard.name: np.ascontiguousarray(shaped)}
    for mask in session.get_inputs()[1:]:
        whole = windows if len(mask.shape) == 2 else windows[:, None, :]
        feeds[mask.name] = np.ones(whole.shape, bool if "bool" in mask.type else np.int64)
    return feeds


def _front_end(path: Path, session: Any, setting: str) -> tuple[int, bool]:
    """Return the sample rate, and whether windows are normalised."""
    said, source = _described(path)
    own = session.get_modelmeta().custom_metadata_map
    if "sample_rate" in own:
        written, source = own["sample_rate"], f"the metadata 'sample_rate' of {str(path)!r}"
    elif "sampling_rate" in said:
        written, source = said["sampling_rate"], f"'sampling_rate' in {source}"
    else:
        raise SettingsError(
            f"Nothing says which sample rate {setting}={str(path)!r} hears: put its "
            f"{_DESCRIPTION} ('sampling_rate') beside it."
        )
    try:
        rate = int(written)
    except (TypeError, ValueError, OverflowError):
        rate = 0
    if not _LEAST_RATE <= rate <= _HIGHEST_RATE:
        raise SettingsError(
            f"The sample rate of the model of {setting} is {written!r} by {source}: a whole number "
            f"of Hz from {_LEAST_RATE:,} to {_HIGHEST_RATE:,} is needed."
        )
    return rate, bool(said.get("do_normalize", False))


def _described(path: Path) -> tuple[dict[str, Any], str]:
    """Return what the description of a model says, and the file's name; nothing without one."""
    for file in _descriptions(path):
        if not file.is_file():
            continue
        try:
            said = json.loads(file.read_text("utf-8"))
            fault = "" if isinstance(said, dict) else f"it holds a {type(said).__name__}"
        except (OSError, ValueError) as e:
            fault = str(e)
        if fault:
            raise SettingsError(
                f"{str(file)!r}, which describes the model '{path.name}', is no JSON object: "
                f"{fault}. Mend it, or export the model anew."
            )
        return said, repr(str(file))
    return {}, ""


def _digest(files: Sequence[Path]) -> str:
    import xxhash

    digest = xxhash.xxh3_128()
    for path in files:
        with path.open("rb") as file:
            while part := file.read(_READ_AT_ONCE):
                digest.update(part)
    return digest.hexdigest()
