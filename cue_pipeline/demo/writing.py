"""Writing the demonstration cues into a folder, without harm to what is there.

A hidden list of the files written, with their sums, lies beside them
(``.cue_pipeline_demo.json``): by it a second call knows in a moment that all is as it was, and a
later version of the program what it may replace. A file that differs from the list is someone's
own work and is never touched.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from cue_pipeline.demo.composition import DemoCue
from cue_pipeline.demo.reel_one import REEL_ONE
from cue_pipeline.demo.reel_two import REEL_TWO
from cue_pipeline.demo.rendering import RenderedStem, render_cue
from cue_pipeline.demo.smf import midi_file_bytes
from cue_pipeline.demo.voices import SAMPLE_RATE
from cue_pipeline.demo.wave import wave_bytes
from cue_pipeline.errors import CueError

CUES: tuple[DemoCue, ...] = (*REEL_ONE, *REEL_TWO)
MANIFEST = ".cue_pipeline_demo.json"
_EDITION = 2  # of the music: raise it when any file's bytes change


def write_demo(folder: Path, *, progress: Callable[[str], None] | None = None) -> tuple[Path, ...]:
    """Write the demonstration cues below a folder, and return the cues' folders.

    The same bytes each time. Where the cues are there already, unchanged, nothing is written, so
    that their modification times stay. Other files in the folder are left alone.

    Parameters
    ----------
    folder : Path
        Made where it does not exist.
    progress : callable, optional
        Called with a line of text for each cue.

    Raises
    ------
    CueError
        If a file that the demonstration would write exists with other contents, or the folder
        cannot be written.
    """
    say = progress or (lambda _: None)
    try:
        return _write(folder, say)
    except OSError as e:
        raise CueError(
            f"The demonstration cues cannot be written to '{folder}': {e.strerror or e}. Give a "
            "folder that you may write to, on a disk with 60 MB to spare."
        ) from e


def _write(folder: Path, say: Callable[[str], None]) -> tuple[Path, ...]:
    if folder.exists() and not folder.is_dir():
        raise CueError(f"'{folder}' is a file. Give a folder for the demonstration cues.")
    folders = tuple(folder / cue.folder for cue in CUES)
    edition, sums = _read_manifest(folder)
    if edition == _EDITION and all(_sum(folder / name) == sums[name] for name in sums):
        for path in folders:
            say(f"{path}: there already, unchanged")
        return folders
    _check_untouched(folder, sums)
    folder.mkdir(parents=True, exist_ok=True)  # the music takes seconds: a wrong folder fails now
    files: dict[str, bytes] = {}
    for seed, cue in enumerate(CUES):
        of_cue = dict(cue_files(cue, seed))
        files |= of_cue
        say(f"{folder / cue.folder}: {len(of_cue)} files, {cue.seconds:.1f} s of music")
    # Only when all of it is known to be free is any of it written.
    _check_free(folder, files, sums)
    for name, content in files.items():
        _write_file(folder / name, content)
    written = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {"edition": _EDITION, "sha256": dict(sorted(written.items()))}
    _write_file(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    return folders


def cue_files(cue: DemoCue, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield each file of a cue: its path below the library's root, its bytes."""
    for sequence in cue.sequences:
        midi = midi_file_bytes(sequence, cue.timeline)
        yield f"{cue.folder}/MIDI/{sequence.name}.mid", midi
    stems, mix = render_cue(cue, seed)
    for stem in stems:
        yield from _stem_files(cue, stem, lfe="LFE")
    yield from _stem_files(cue, mix, lfe="lfe")


def _stem_files(cue: DemoCue, rendered: RenderedStem, lfe: str) -> Iterator[tuple[str, bytes]]:
    for label, samples in rendered.channels.items():
        suffix = f".{lfe if label == 'LFE' else label}" if label else ""
        content = wave_bytes(
            samples,
            SAMPLE_RATE,
            description=f"{cue.name}: {rendered.stem.name}",
            time_reference=cue.time_of_day * SAMPLE_RATE,
        )
        yield f"{cue.folder}/PT/Audio Files/{rendered.stem.name}{suffix}.wav", content


def _read_manifest(folder: Path) -> tuple[int | None, dict[str, str]]:
    """Return the edition and the sums of what was written before."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return int(manifest["edition"]), {str(k): str(v) for k, v in manifest["sha256"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None, {}


def _sum(path: Path) -> str | None:
    """Return a file's SHA-256 in hex, None where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _check_untouched(folder: Path, sums: dict[str, str]) -> None:
    """Before any work, refuse where a file of the demonstration was changed."""
    changed = [name for name, known in sums.items() if _sum(folder / name) not in (None, known)]
    if changed:
        raise CueError(_changed(folder, changed))


def _check_free(folder: Path, files: dict[str, bytes], sums: dict[str, str]) -> None:
    """Refuse to write over what the demonstration did not write."""
    taken = []
    for name, content in files.items():
        found = _sum(folder / name)
        if found not in (None, sums.get(name), hashlib.sha256(content).hexdigest()):
            taken.append(name)
    if taken:
        raise CueError(_changed(folder, taken))


def _changed(folder: Path, names: list[str]) -> str:
    more = f" and {len(names) - 1} more files" if len(names) > 1 else ""
    return (
        f"'{folder / names[0]}'{more} differ from the demonstration's and are not written over. "
        "Move them away, or give another folder."
    )


def _write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that is the same already stays as it is."""
    if _sum(path) == hashlib.sha256(content).hexdigest():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
