"""What ``cue-pipeline align …`` does and says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cue_pipeline.cli.following import follow
from cue_pipeline.cli.saying import say, say_json
from cue_pipeline.errors import MappingError, WarehouseError, closest_names

if TYPE_CHECKING:
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.stated_clocks import ClockChange, StatedClock
    from cue_pipeline.warehouse.store import Store


def show(store: Store, cue_key: str, *, as_json: bool) -> None:
    """Show where a cue's score is heard in each stem and mix, and what people stated of it."""
    from cue_pipeline.library.known_clocks import read_clocks, read_stated

    clocks, stated = read_clocks(store, cue_key), read_stated(store, cue_key)
    if as_json:
        say_json({"clocks": clocks, "stated": stated})
        return
    if not clocks:
        say(f"{cue_key}: no clock is known yet; `cue-pipeline process` makes `match_evidence`.")
    several = len({row["midi_file"] for row in clocks}) > 1
    for row in clocks:
        of = f"{row['midi_file']} in " if several else ""
        lag = "not known" if row["lag_seconds"] is None else f"{row['lag_seconds']:+.3f} s"
        wander = f", wanders {row['wander_ms']:.0f} ms" if row["wander_ms"] else ""
        told = f"{row['method']} {row['confidence']:.2f}"
        say(f"{of}{row['what']} '{row['name']}': {lag}{wander} ({told}): {row['reason'] or ''}")
    for row in stated:
        say(f"stated by {row['decided_by']}, {row['created_at'][:10]}: {_stated_in_words(row)}")


def set_clock(
    store: Store,
    settings: Settings,
    server: ForkServer,
    cue_key: str,
    *,
    stem: str,
    midi_file: str,
    lag: float | None,
    tempo: Path | None,
    note: str,
) -> None:
    """Keep what a person states of a clock, and bring it into the tables."""
    from cue_pipeline.library.known_clocks import read_tempo
    from cue_pipeline.warehouse.stated_clocks import StatedClock

    if lag is not None and not abs(lag) < _MOST_SECONDS:
        raise MappingError(f"--lag {lag} is no number of seconds within a day. Give it in seconds.")
    name, content = _known_sound(store, cue_key, stem)
    tempo = None if tempo is None else _tempo_file(store, cue_key, tempo)
    said = StatedClock(
        cue_key,
        _known_file(store, cue_key, midi_file),
        name,
        lag,
        None if tempo is None else read_tempo(tempo),
        None if tempo is None else tempo.name,
        note or None,
        content,
    )
    say(f"{cue_key}: {_in_words(said)}")
    if not store.state_clock(said, by=settings.author):
        say("That was stated already, just so.")
    _bring_in(store, settings, server, cue_key)


def unset_clock(
    store: Store, settings: Settings, server: ForkServer, cue_key: str, stem: str, midi_file: str
) -> None:
    """Forget what a person stated of a clock."""
    from cue_pipeline.library.known_clocks import read_stated
    from cue_pipeline.warehouse.stated_clocks import StatedClock

    midi_file = _known_file(store, cue_key, midi_file, also=_stated_of(store, cue_key))
    said = StatedClock(cue_key, midi_file, stem)
    if not store.unstate_clock(said, by=settings.author):
        there = [_of_in_words(row["midi_file"], row["stem"]) for row in read_stated(store, cue_key)]
        raise MappingError(
            f"Nothing is stated of the clock of cue '{cue_key}', {_of_in_words(midi_file, stem)}"
            + (f"; of {' and '.join(there)} there is." if there else "; there is nothing at all.")
        )
    say(f"{cue_key}: nothing is stated any longer of {_of_in_words(midi_file, stem)}.")
    _bring_in(store, settings, server, cue_key)


def undo_clock(
    store: Store, settings: Settings, server: ForkServer, cue_key: str, stem: str, midi_file: str
) -> None:
    """Take the last change of what is stated of a clock back."""
    from cue_pipeline.warehouse.stated_clocks import StatedClock, standing_changes

    told = store.clock_history(cue_key)
    midi_file = _known_file(store, cue_key, midi_file, also=[change.midi_file for change in told])
    newest = standing_changes(told)[-1:]
    if not stem and not midi_file and newest:
        midi_file, stem = newest[0].midi_file, newest[0].stem
    change = store.undo_clock(StatedClock(cue_key, midi_file, stem), by=settings.author)
    if change is None:
        raise MappingError(
            f"Nothing was stated of the clock of cue '{cue_key}', {_of_in_words(midi_file, stem)}, "
            f"that is not taken back already. `cue-pipeline align log '{cue_key}'` shows all."
        )
    was = change.before
    back = (
        _what_in_words(was["lag_seconds"], was["tempo_from"], was["note"])
        if was
        else "nothing is stated"
    )
    of = _of_in_words(midi_file, stem)
    say(f"{cue_key}: {of}: {change.action} is taken back; again: {back}.")
    _bring_in(store, settings, server, cue_key)


def print_log(store: Store, cue_key: str, *, as_json: bool) -> None:
    """Show who stated what of a cue's clock, the oldest first."""
    told = store.clock_history(cue_key)
    if as_json:
        say_json([_as_json(change) for change in told])
        return
    if not told:
        say(f"{cue_key}: nobody has stated anything of its clock.")
    for c in told:
        parts = _what_in_words(c.lag_seconds, c.tempo_from, c.note)
        say(
            f"{c.decided_at:%Y-%m-%d %H:%M:%S} UTC  {c.decided_by}  {c.action}  "
            f"{_of_in_words(c.midi_file, c.stem)}: {parts}"
        )


_MOST_SECONDS = 86_400.0


def _bring_in(store: Store, settings: Settings, server: ForkServer, cue_key: str) -> None:
    code = follow(store, settings, server, [cue_key])
    with suppress(WarehouseError):  # why was said above
        show(store, cue_key, as_json=False)
    sys.exit(code)


def _stated_of(store: Store, cue_key: str) -> list[str]:
    """Return the MIDI files of whose clock something is stated, be they there or not."""
    return [str(path) for path in store.read(cue_key, "alignment_overrides")["midi_file"]]


def _tempo_file(store: Store, cue_key: str, said: Path) -> Path:
    """Return a file that was named within the cue's folder, or else from here.

    Raises
    ------
    MappingError
        If there is none, or one here and another in the cue.
    """
    cue = store.cue(cue_key)
    inside = None if cue is None or cue.folder is None else Path(cue.root, cue.folder, said)
    there = [path for path in (inside, said) if path is not None and path.is_file()]
    if not there:
        raise MappingError(
            f"There is no file '{said}', neither here nor in the folder of cue '{cue_key}'. Give "
            "--tempo a path from here, or one within the cue's folder, such as 'MIDI/FILE.mid'."
        )
    if len(there) > 1 and not there[0].samefile(there[1]):
        raise MappingError(
            f"'{said}' is a file here and another in the folder of cue '{cue_key}'. Give --tempo "
            f"the whole path: '{said.absolute()}' or '{there[0].absolute()}'."
        )
    return there[0]


def _known_file(store: Store, cue_key: str, midi_file: str, also: Sequence[str] = ()) -> str:
    """Return the path of a cue's MIDI file by its path or its name; empty: every one.

    ``also``: paths of files that are known though they may be gone.
    """
    if not midi_file:
        return ""
    rows = store.read(cue_key, "midi_files", ["file_path"])
    paths = sorted({*map(str, rows["file_path"]), *filter(None, also)})
    if midi_file in paths:
        return midi_file
    meant = [p for p in paths if midi_file == p.rpartition("/")[2]]
    if len(meant) != 1:
        raise MappingError(
            f"{len(meant) or 'No'} MIDI file{'s' * (len(meant) > 1)} of cue '{cue_key}' "
            f"{'are' if len(meant) > 1 else 'is'} called '{midi_file}'. There "
            f"{'are' if len(paths) != 1 else 'is'} {', '.join(map(repr, paths)) or 'none'}."
        )
    return meant[0]


def _known_sound(store: Store, cue_key: str, name: str) -> tuple[str, str | None]:
    """Return a stem or mix of a cue, and what it holds; an unknown one is answered with those."""
    from cue_pipeline.library.known_clocks import read_sounds

    if not name:
        return "", None
    sounds = read_sounds(store, cue_key)
    if name not in sounds:
        raise MappingError(
            f"No stem or mix {name!r} among the {len(sounds)} of cue '{cue_key}'."
            + (f" Did you mean {closest_names(name, sounds)}?" if sounds else "")
        )
    return name, sounds[name]


def _in_words(said: StatedClock) -> str:
    parts = _what_in_words(said.lag_seconds, said.tempo_from, said.note)
    return f"{_of_in_words(said.midi_file, said.stem)}: {parts}"


def _stated_in_words(row: dict[str, Any]) -> str:
    parts = _what_in_words(row["lag_seconds"], row["tempo_from"], row["note"])
    return f"{_of_in_words(row['midi_file'], row['stem'])}: {parts}"


def _of_in_words(midi_file: str, stem: str) -> str:
    of = f"stem '{stem}'" if stem else "all stems"
    return f"{of}, '{midi_file}'" if midi_file else of


def _what_in_words(lag: float | None, tempo_from: str | None, note: str | None) -> str:
    parts = []
    if lag is not None:
        parts.append(f"the score begins {lag:+.3f} s into it")
    if tempo_from:
        parts.append(f"played to the tempo of '{tempo_from}'")
    if note:
        parts.append(f"note '{note}'")
    return ", ".join(parts) or "nothing"


def _as_json(change: ClockChange) -> dict[str, Any]:
    from dataclasses import asdict

    row = asdict(change)
    del row["id"], row["change_id"]
    return {**row, "decided_at": change.decided_at.isoformat()}
