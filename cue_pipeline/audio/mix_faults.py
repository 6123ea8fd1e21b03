"""What is wrong among the stems and mixes of a cue, once it is known which is which."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cue_pipeline.audio.mix_names import Cast, NamedGroup
from cue_pipeline.audio.sums import COPY_DB, EXPLAINED_DB, FOLD_DB, Sums

_HARDLY_EXPLAINED_DB = -0.5
_FEWEST_CHANNELS = 3
_SAME_GAIN = 1.05  # in power: a quarter of a decibel
_NOTHING_OF = 1e-3  # of a stem's own power
_MOST_NAMED = 6
_AUDIBLE = 1e-5  # of a mix's power: a channel 50 dB down is silent

_Faults = Iterator[tuple[int, str]]


def with_faults(cast: Sequence[Cast], named: Sequence[NamedGroup], sums: Sums) -> list[Cast]:
    """Return the cast with a warning at each group that a person should look at.

    Parameters
    ----------
    cast, named : sequence
        One a group, in the order of `sums`.
    sums : Sums
        Of the same groups.
    """
    checked = list(cast)
    heard = [i for i in range(len(cast)) if sums.heard[i]]
    stems = [i for i in heard if cast[i].role == "stem"]
    mixes = [i for i, one in enumerate(cast) if one.role == "mix"]
    names = [one.name for one in named]
    for faults in (
        _submixes(stems, names, sums),
        _copies(stems, names, sums),
        _silent_mixes(mixes, stems, names, sums),
        _mono_mixes([i for i, one in enumerate(cast) if one.role != "stem"], names, sums),
        _turned_mixes([i for i in mixes if sums.heard[i]], stems, names, sums),
        _larger_mixes([i for i in mixes if sums.heard[i]], stems, names, sums),
        _partial_mixes([i for i in mixes if sums.heard[i]], stems, names, sums),
    ):
        for i, fault in faults:
            checked[i] = replace(checked[i], warnings=(*checked[i].warnings, fault))
    for i, fault in _copies(stems, names, sums):
        checked[i] = replace(checked[i], doubt=fault)
    return checked


def _submixes(stems: Sequence[int], names: Sequence[str], sums: Sums) -> _Faults:
    """Find stems that are the sum of other stems."""
    if len(stems) < 3:
        return
    for i in stems:
        others = [j for j in stems if j != i and sums.left_of_copy(i, j) > COPY_DB]
        total = sums.sum_of(i, others)
        if total.left_db <= COPY_DB and len(total.parts) > 1:
            parts = ", ".join(f"'{names[j]}'" for j in total.parts)
            yield (
                i,
                f"'{names[i]}' is the sum of {parts}: a submix beside its parts. "
                "What adds stems up counts it twice; remove it, or its parts.",
            )


def _copies(stems: Sequence[int], names: Sequence[str], sums: Sums) -> _Faults:
    """Find stems that are the same sound as another, at any gain."""
    # What sounds in one excerpt only may be a 2-pop, which all stems have.
    told_by_sound = sorted(
        (i for i in stems if sums.sounding[i] > 1), key=lambda i: (len(names[i]), names[i])
    )
    for n, i in enumerate(told_by_sound):
        first = next((j for j in told_by_sound[:n] if sums.left_of_copy(i, j) <= COPY_DB), None)
        if first is not None:
            yield (
                i,
                f"'{names[i]}' sounds the same as '{names[first]}': what adds "
                "stems up counts it twice, and no track can be told to be in the one and not in "
                "the other. Remove one, or bounce it again if it should be another.",
            )


def _silent_mixes(
    mixes: Sequence[int], stems: Sequence[int], names: Sequence[str], sums: Sums
) -> _Faults:
    """Find mixes in which nothing sounds though stems do."""
    for i in mixes:
        if stems and not sums.heard[i]:
            yield (
                i,
                f"'{names[i]}' is silent where the stems sound: a mix that holds "
                "nothing of them. Bounce it again, or remove it.",
            )


def _mono_mixes(mixes: Sequence[int], names: Sequence[str], sums: Sums) -> _Faults:
    """Find mixes that may be the channels of one."""
    mono = [i for i in mixes if len(sums.labels[i]) == 1]
    if len(mono) < _FEWEST_CHANNELS:
        return
    for i in mono:
        yield (
            i,
            f"'{names[i]}' is one of {len(mono)} mono mixes. If they are the channels of one mix, "
            "end their names in the channels' (.L .R .C .LFE .Ls .Rs).",
        )


def _turned_mixes(
    mixes: Sequence[int], stems: Sequence[int], names: Sequence[str], sums: Sums
) -> _Faults:
    """Find mixes that are the stems' sum upside down, or with its channels exchanged."""
    labels = {label for i in stems for label in sums.labels[i]}
    for i in mixes:
        if not stems or set(sums.labels[i]) != labels:
            continue
        if sums.left_of_inverted_sum(i, stems) <= FOLD_DB:
            what = "is the sum of the stems in opposite polarity"
        elif sums.left_of_channels(i, [stems]) <= FOLD_DB and sums.fit(i, stems)[0] > EXPLAINED_DB:
            what = (
                "is made of the stems' sum, and its channels are not the stems': they are "
                "exchanged, or labelled in another order"
            )
        else:
            continue
        yield i, f"'{names[i]}' {what}. See which is right, and bounce the other again."


def _larger_mixes(
    mixes: Sequence[int], stems: Sequence[int], names: Sequence[str], sums: Sums
) -> _Faults:
    """Find mixes that hold every stem as it is, and something else.

    What a limiter or a compressor makes of a sum has its stems at gains that differ and vary; one
    gain for all of them says that the mix was only added up, and that what is left was added too.
    """
    if len(stems) < 2:
        return
    for i in mixes:
        unfed = _unfed(i, stems, sums)
        fed = [label for label in sums.labels[i] if label not in unfed]
        left, shares = sums.fit(i, stems, fed)
        quietest, loudest = min(shares.values()), max(shares.values())
        if left >= _HARDLY_EXPLAINED_DB or loudest >= _SAME_GAIN * quietest:
            continue
        if left > FOLD_DB:
            where = f" in its {', '.join(fed)}" if unfed else ""
            yield (
                i,
                f"'{names[i]}' holds the stems as they are{where} and something else that is in "
                f"none of them ({left:.0f} dB of its power): a stem that was not delivered, or a "
                "reverb of the mix's own. Add the stem, or take no notice if it should be so.",
            )
        # An LFE is low-passed: it is the stems' sound at no gain.
        strange = [lb for lb, db in unfed.items() if db > FOLD_DB and lb not in {"LFE", "LFE2"}]
        if strange:
            rest = sums.left_of_channels(i, [[s] for s in stems], strange)
            yield (
                i,
                f"'{names[i]}' has sound in {', '.join(strange)}, where no stem has a channel, "
                f"that is not the stems' at other gains ({rest:.0f} dB of it is left): a reverb or "
                "an upmix of the mix's own, or stems that were delivered without these channels. "
                "Add them, or take no notice if it should be so.",
            )


def _partial_mixes(
    mixes: Sequence[int], stems: Sequence[int], names: Sequence[str], sums: Sums
) -> _Faults:
    """Find mixes that some stems make up, and of which half of all, or more, are no part."""
    for i in mixes:
        left, shares = sums.fit(i, stems) if len(stems) > 1 else (0.0, {})
        lacking = [names[s] for s in stems if shares.get(s, 1.0) <= _NOTHING_OF]
        held = [names[s] for s in stems if names[s] not in lacking]
        if left <= EXPLAINED_DB and 2 <= len(held) <= len(lacking):
            yield (
                i,
                f"'{names[i]}' is called a mix, and is one of {_listed(held)} only: nothing of "
                f"{_listed(lacking)} is in it. If it is a submix, rename it or take it away, so "
                "that it is not taken for the mix of the cue.",
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def unfed_channels(cast: Sequence[Cast], sums: Sums) -> dict[int, dict[str, float]]:
    """Return the channels of mixes that no stem has.

    Returns
    -------
    dict of int to dict of str to float
        Index of the mix → label of the channel → what is left of it when the stems' channels are
        taken away at the best gains, dB: little of an upmix, all of another sound.
    """
    stems = [i for i, one in enumerate(cast) if one.role == "stem" and sums.heard[i]]
    mixes = [i for i, one in enumerate(cast) if one.role == "mix" and sums.heard[i]]
    found = {i: _unfed(i, stems, sums) for i in mixes} if stems else {}
    return {i: unfed for i, unfed in found.items() if unfed}


def _unfed(mix: int, stems: Sequence[int], sums: Sums) -> dict[str, float]:
    """Return the sounding channels of a mix that no stem has, none where no stem has any."""
    of_stems = {label for i in stems for label in sums.labels[i]}
    audible = _AUDIBLE * float(sums.power[mix])
    if of_stems.isdisjoint(sums.labels[mix]):
        return {}
    return {
        label: sums.left_of_channels(mix, [[s] for s in stems], [label])
        for label in sums.labels[mix]
        if label not in of_stems and sums.power_of(mix, label) > audible
    }
