"""What is judged of a cue after each asset: pure functions from its rows to a verdict in words.

Dagster is not imported here; :mod:`cue_pipeline.defs.checks` shows the verdicts as asset checks.
A warning asks a person to look; an error says that the rows are not to be trusted. Neither stops
a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from cue_pipeline.mapping.decision.result import NO_NOTES
from cue_pipeline.midi.recount import UncountableError, count_notes

if TYPE_CHECKING:
    from pandas import DataFrame

    from cue_pipeline.audio.grouping import ChannelGroup
    from cue_pipeline.midi.score_rows import MidiFileOutcome

RESIDUAL_LIMIT_DB = -30.0
"""Stems sum to the mix if what is left is this far below it: 3 % of its amplitude."""

LOUDER_LU = 3.0
"""A stem is part of a mix: it is hardly louder than that."""

MOST_NAMED = 12
"""Offenders listed by name in a verdict."""

Severity = Literal["WARN", "ERROR"]


@dataclass(frozen=True, slots=True)
class Judgment:
    """One verdict.

    Attributes
    ----------
    passed : bool
    text : str
        What was found and, if it did not pass, what to do.
    severity : {"WARN", "ERROR"}
        Of not passing.
    figures : mapping of str to number
        What may be plotted over time.
    offenders : sequence of str
        What did not pass, by name.
    see : str
        Address of a page on which it can be mended; empty: none.
    """

    passed: bool
    text: str
    severity: Severity = "WARN"
    figures: Mapping[str, float] = field(default_factory=dict)
    offenders: Sequence[str] = ()
    see: str = ""


def tempo_is_written(outcomes: Sequence[MidiFileOutcome]) -> Judgment:
    """Judge whether every MIDI file is usable and has a tempo that somebody wrote.

    Parameters
    ----------
    outcomes : sequence of MidiFileOutcome
        The cue's files, on one clock.
    """
    unusable = [o.file_path for o in outcomes if o.file is None]
    silent = [
        o.file_path
        for o in outcomes
        if o.file and not o.clock_from and not any(s.writes_tempo for s in o.file.sequences)
    ]
    doubted = [f"{o.file_path}: {o.clock_doubt}" for o in outcomes if o.clock_doubt]
    figures = {
        "files without tempo": len(silent),
        "files of doubtful tempo": len(doubted),
        "unusable files": len(unusable),
    }
    told = []
    if silent:
        told.append(
            f"{_count(silent, 'file')} without any tempo event, timed at MIDI's 120 quarters a "
            "minute. Export the sequence with its tempo track."
        )
    if doubted:
        told.append(f"{_count(doubted, 'file')} whose tempo is in doubt.")
    if unusable:
        told.append(f"{_count(unusable, 'file')} that cannot be used; `warnings` says why.")
    if told:
        offenders = list(dict.fromkeys([*silent, *doubted, *unusable]))
        return Judgment(passed=False, text=" ".join(told), figures=figures, offenders=offenders)
    follow = sum(o.clock_from is not None for o in outcomes)
    text = f"{_count(outcomes, 'file')}, each with its tempo"
    if follow:
        text += f"; {follow} of them by the tempo map of another file"
    return Judgment(passed=True, text=f"{text}.", figures=figures)


def notes_are_kept(
    outcomes: Sequence[MidiFileOutcome],
    tables: Mapping[str, DataFrame],
    marker_tracks: Sequence[str],
) -> Judgment:
    """Judge whether every note of every MIDI file has its row, by an independent count.

    Parameters
    ----------
    outcomes : sequence of MidiFileOutcome
        What was read.
    tables : mapping of str to DataFrame
        ``midi_tracks`` and ``midi_notes``.
    marker_tracks : sequence of str
        Names of tracks that are left out on purpose.
    """
    from cue_pipeline.midi.marker_tracks import is_marker_track

    counted, uncounted, left_out = 0, [], 0
    for outcome in outcomes:
        if outcome.file is None:
            uncounted.append(outcome.file_path)
            continue
        try:
            of_tracks = count_notes(outcome.data)
        except UncountableError as e:
            uncounted.append(f"{outcome.file_path}: {e}")
            continue
        aside = {
            t.index for t in outcome.file.tracks if is_marker_track(outcome.file, t, marker_tracks)
        }
        left_out += sum(n for i, n in enumerate(of_tracks) if i in aside)
        counted += sum(n for i, n in enumerate(of_tracks) if i not in aside)
    stored = len(tables["midi_notes"])
    if uncounted:
        return Judgment(
            passed=True,
            text=f"{stored:,} notes are stored; damaged files cannot be counted independently, "
            "their warnings say what was read around.",
            figures={"notes": stored},
            offenders=uncounted,
        )
    lost = counted - stored
    figures = {"notes": stored, "notes lost": lost, "notes of marker tracks": left_out}
    if lost:
        return Judgment(
            passed=False,
            text=f"The files hold {counted:,} notes, {stored:,} are stored: {lost:,} were lost. "
            "This is a fault of the program; please report it with the file.",
            severity="ERROR",
            figures=figures,
        )
    return Judgment(
        passed=True, text=f"All {stored:,} notes of the files are stored.", figures=figures
    )


def channels_are_complete(groups: Sequence[ChannelGroup]) -> Judgment:
    """Judge whether each stem and mix has all channels of its layout, of equal length."""
    lacking = [f"{g.canonical_name}: lacks {', '.join(g.missing)}" for g in groups if g.missing]
    uneven = [
        f"{g.canonical_name}: channels of unequal length"
        for g in groups
        if len({c.header.frames / c.header.sample_rate for c in g.channels}) > 1
    ]
    figures = {"stems lacking channels": len(lacking), "stems of unequal length": len(uneven)}
    if lacking or uneven:
        return Judgment(
            passed=False,
            text="Channels are missing or of unequal length. Add or replace the files, or take no "
            "notice if the stem was made so.",
            figures=figures,
            offenders=[*lacking, *uneven],
        )
    return Judgment(
        passed=True,
        text=f"All channels are there, of {len(groups)} stems and mixes together.",
        figures=figures,
    )


def stems_sound(groups: Sequence[ChannelGroup], levels: DataFrame) -> Judgment:
    """Judge whether each stem is whole and not silent.

    Parameters
    ----------
    groups : sequence of ChannelGroup
        In the order of ``levels``.
    levels : DataFrame
        Rows of ``audio_files`` with ``levels``.
    """
    cut = [
        f"{c.file}: {c.header.frames:,} of {c.header.promised_frames:,} samples are there"
        for g in groups
        for c in g.channels
        if c.header.frames < c.header.promised_frames
    ]
    silent = [
        f"{group.canonical_name}: silent throughout"
        for group, of in zip(groups, levels["levels"], strict=True)
        if of is not None and of.get("silent", "channels" not in of)
    ]
    figures = {"truncated files": len(cut), "silent stems": len(silent)}
    if cut or silent:
        return Judgment(
            passed=False,
            text="Stems are truncated or silent. Copy or bounce them again, or remove them.",
            figures=figures,
            offenders=list(dict.fromkeys([*cut, *silent])),
        )
    return Judgment(
        passed=True, text=f"{_count(groups, 'stem')}, whole and sounding.", figures=figures
    )


def stems_sum_to_mix(mixes: DataFrame) -> Judgment:
    """Judge whether the stems add up to each mix.

    Parameters
    ----------
    mixes : DataFrame
        Rows of ``final_mixes``.
    """
    if mixes.empty:
        return Judgment(passed=True, text="The cue has no final mix.")
    # Fold-downs and old mixes are told of in their rows; the stems need not add up to them.
    mixes = mixes[~mixes["role"].isin(["fold-down", "old mix"])]
    if mixes.empty:
        return Judgment(passed=True, text="The cue has fold-downs or old mixes only.")
    known = mixes[mixes["residual_db"].notna()]
    if known.empty:
        told = "; ".join(dict.fromkeys(r["method"] for r in mixes["residual"]))
        return Judgment(passed=True, text=f"The sum of the stems was {told}.")
    worst = float(known["residual_db"].max())
    apart = known[known["residual_db"] > RESIDUAL_LIMIT_DB]
    figures = {"residual dB": worst}
    if len(apart):
        return Judgment(
            passed=False,
            text=f"What is left of the mix when all stems are taken away is above "
            f"{RESIDUAL_LIMIT_DB:g} dB of it: a stem is missing or old, or the mix went through a "
            "processor.",
            figures=figures,
            offenders=[
                f"{name}: {db:.1f} dB"
                for name, db in zip(apart["canonical_name"], apart["residual_db"], strict=True)
            ],
        )
    left = "nothing is" if worst <= -150.0 else f"{worst:.1f} dB are"
    return Judgment(passed=True, text=f"The stems sum to the mix; {left} left.", figures=figures)


def stems_fit_the_mix(
    stems: Mapping[str, Mapping[str, Any]], mixes: Mapping[str, Mapping[str, Any]]
) -> Judgment:
    """Judge whether no stem is louder than the mix of which it is a part.

    Parameters
    ----------
    stems, mixes : mapping of str to mapping
        Name → ``params.summary`` of its loudness; of mixes, those that stems should add up to.
    """
    loudness = {
        name: summary["integrated_lufs"]
        for name, summary in stems.items()
        if summary.get("integrated_lufs") is not None
    }
    of_mixes = [
        summary["integrated_lufs"]
        for summary in mixes.values()
        if summary.get("integrated_lufs") is not None
    ]
    if not of_mixes or not loudness:
        return Judgment(passed=True, text="There is no mix and stem that sound, to be compared.")
    mix = max(of_mixes)
    loud = [f"{name}: {lufs:.1f} LUFS" for name, lufs in loudness.items() if lufs > mix + LOUDER_LU]
    figures = {"mix LUFS": mix, "stems louder than the mix": len(loud)}
    if loud:
        return Judgment(
            passed=False,
            text=f"Stems are more than {LOUDER_LU:g} LU louder than the mix ({mix:.1f} LUFS), in "
            "which they are but a part: they were bounced at another level, or the mix is another.",
            figures=figures,
            offenders=loud,
        )
    return Judgment(
        passed=True,
        text=f"No stem is more than {LOUDER_LU:g} LU louder than the mix ({mix:.1f} LUFS).",
        figures=figures,
    )


def sound_is_clean(sounds: Mapping[str, Mapping[str, Any]]) -> Judgment:
    """Judge whether no stem or mix has clicks, dropouts or hum.

    Parameters
    ----------
    sounds : mapping of str to mapping
        Name → ``params.summary`` of its defects: what each channel has.
    """
    figures = {"clicks": 0, "dropouts": 0, "channels with hum": 0}
    offenders = []
    for name, channels in sounds.items():
        for label, found in channels.items():
            figures["clicks"] += found["clicks"]
            figures["dropouts"] += found["dropouts"]
            figures["channels with hum"] += found["hum_hz"] is not None
            told = [_times(found[f"{what}s"], what) for what in ("click", "dropout")]
            told = [said for said in told if said]
            told += [f"hum of {found['hum_hz']} Hz"] if found["hum_hz"] is not None else []
            if told:
                offenders.append(f"{name}, channel {label}: {', '.join(told)}")
    if offenders:
        return Judgment(
            passed=False,
            text="Stems or mixes have clicks (isolated jumps), dropouts or hum: listen, and bounce "
            "them again or take no notice if the sound is meant so. Their rows' warnings say when.",
            figures=figures,
            offenders=offenders,
        )
    return Judgment(
        passed=True, text="No stem or mix has clicks, dropouts or hum.", figures=figures
    )


def tracks_are_matched(mappings: DataFrame, names: Mapping[int, str]) -> Judgment:
    """Judge whether every track has its stem.

    Parameters
    ----------
    mappings : DataFrame
        Rows of ``track_mappings``.
    names : mapping of int to str
        ``midi_tracks.id`` → what people are shown for it.
    """
    lone = mappings[(mappings["state"] == "unmatched") & (mappings["reason"] != NO_NOTES)]
    return _of_tracks(
        lone, names, len(mappings), "unmatched tracks",
        "is heard in no stem. Is its stem missing, or is the track muted in the session?",
        "All {n} have their stem.",
    )  # fmt: skip


def nothing_awaits_review(
    mappings: DataFrame, names: Mapping[int, str], page: str = ""
) -> Judgment:
    """Judge whether any mapping waits for a person; ``page``: where to decide, others as above."""
    doubtful = mappings[mappings["state"] == "review"]
    judged = _of_tracks(
        doubtful, names, len(mappings), "mappings to review",
        "waits for a person: decide on the page of `cue-pipeline review`, or see `cue-pipeline "
        "mappings CUE --review` and decide with `cue-pipeline mappings set`.",
        "None of {n} waits for a person.",
    )  # fmt: skip
    return replace(judged, see="" if judged.passed else page)


def _of_tracks(
    rows: DataFrame, names: Mapping[int, str], n: int, figure: str, told: str, fine: str
) -> Judgment:
    figures = {figure: len(rows)}
    if rows.empty:
        return Judgment(
            passed=True, text=fine.format(n=f"{n} track{'s' * (n != 1)}"), figures=figures
        )
    offenders = [
        f"{names.get(track, '') or '(no name)'}: {reason}"
        for track, reason in zip(rows["midi_track_id"], rows["reason"], strict=True)
    ]
    return Judgment(
        passed=False,
        text=f"{len(rows)} of {n} tracks: each {told}",
        figures=figures,
        offenders=offenders,
    )


def _times(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}" if n else ""


def _count(things: Any, word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
