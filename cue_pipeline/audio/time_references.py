"""When each group of a cue begins: time references as evidence, judged by each other.

A bext time reference is a number that some program wrote once. It may never have been filled in
(all ones, zero), be negative, be counted at another sample rate, or have lost its upper half. So
the references of a cue are laid side by side: those that place files together are believed, one
that places a file where nothing else of the cue sounds is not. A reading of such a number that
puts the file exactly where another begins is certain enough to be used; all else is dropped, the
raw number staying in ``channels``.

References
----------
EBU Tech 3285 version 2 (``TimeReference``: samples since midnight, 64 bits, unsigned).
iXML specification 3.0 (``TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI`` and ``_LO``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from cue_pipeline.audio.headers import AudioHeader

_DAY_SECONDS = 86_400
_SIGN_BIT = 1 << 63
_HIGH_WORD = 1 << 32
_SAME_SECONDS = Fraction(1, 1000)
_FURTHEST_SECONDS = 60  # between files of a cue, if they are shorter than that
_RATES = (
    32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000, 384_000,
    Fraction(48_000_000, 1001), 48_048, Fraction(44_100_000, 1001), Fraction(96_000_000, 1001),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Referenced:
    """A group, as far as its start is concerned.

    Attributes
    ----------
    name : str
    headers : sequence of AudioHeader
        Of its files, in the order of its channels.
    seconds : float
        Its length.
    """

    name: str
    headers: Sequence[AudioHeader]
    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """Where a group begins, as far as its time references tell.

    Attributes
    ----------
    seconds : Fraction or None
        Since midnight; None: not known.
    known_by : str
        ``time reference``, ``time reference, reread``, ``none`` (there is none) or
        ``time reference, not believed``.
    warnings : tuple of str
    """

    seconds: Fraction | None
    known_by: str = "time reference"
    warnings: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class _Claim:
    """What the references of one group say."""

    seconds: Fraction | None
    raw: int | None
    rate: int
    told: list[str]
    others: list[Fraction]  # what else may be meant


def judged_starts(groups: Sequence[Referenced]) -> list[Start]:
    """Return where each group of a cue begins, doubtful references left out.

    Parameters
    ----------
    groups : sequence of Referenced
        All of the cue, mixes and click tracks too.
    """
    claims = [_claim(group) for group in groups]
    placed = [i for i, claim in enumerate(claims) if claim.seconds is not None]
    clusters = _clusters(groups, claims, placed)
    believed = _believed(clusters, claims)
    starts: list[Start] = []
    for i, (group, claim) in enumerate(zip(groups, claims, strict=True)):
        if claim.raw is None:
            starts.append(Start(None, "none"))
        elif i in believed:
            alone = _alone(i, believed, groups, claims)
            twofold = _twofold(group, claim)
            starts.append(Start(claim.seconds, warnings=(*claim.told, *twofold, *alone)))
        else:
            starts.append(_doubted(group, claim, _starts_of(believed, claims)))
    return starts


def _claim(group: Referenced) -> _Claim:
    """Return what the group's channels say, by most of them."""
    said = [h for h in group.headers if h.time_reference is not None]
    if not said:
        return _Claim(None, None, 1, [], [])
    told: list[str] = []
    possible = [h for h in said if _possible(h)]
    if not possible:
        first = said[0]
        return _Claim(None, first.time_reference, first.sample_rate, told, [*_others(first)])
    votes = Counter(_seconds(h) for h in possible)
    most = votes.most_common(1)[0][1]
    chosen = next(h for h in possible if votes[_seconds(h)] == most)
    seconds = _seconds(chosen)
    differ = [
        h for h in said if not _possible(h) or abs(_seconds(h) - seconds) > _SAME_SECONDS / 50
    ]
    if differ:
        listed = ", ".join(f"'{h.file}' {_number(h.time_reference)}" for h in said)
        told.append(
            f"'{group.name}' has channels of different time references ({listed}): all are taken "
            f"from their first sample on, at that of '{chosen.file}'. Consolidate the clips to one "
            "start."
        )
    if seconds >= _DAY_SECONDS:
        told.append(
            f"'{group.name}': its time reference {_number(chosen.time_reference)} lies beyond 24 "
            f"hours ({clock_time(seconds)}), though it counts from midnight. Check it."
        )
    others = [_seconds(h) for h in differ if _possible(h)]
    others += [s for h in said for s in _others(h)]
    return _Claim(seconds, chosen.time_reference, chosen.sample_rate, told, others)


def _possible(header: AudioHeader) -> bool:
    """Return whether a number can be a time of day, one that runs past midnight included."""
    return 0 <= (header.time_reference or 0) < 2 * _DAY_SECONDS * _reference_rate(header)


def _reference_rate(header: AudioHeader) -> int:
    return header.reference_rate or header.sample_rate


def _seconds(header: AudioHeader) -> Fraction:
    return Fraction(header.time_reference or 0, _reference_rate(header))


def _others(header: AudioHeader) -> Iterator[Fraction]:
    """Yield what else a header's number may mean."""
    if header.other_start is not None:
        yield header.other_start
    number = header.time_reference or 0
    if number >= _SIGN_BIT:
        number %= _HIGH_WORD  # a 32-bit number whose sign was extended
    rate = _reference_rate(header)
    for high in range(5):
        yield Fraction(number + high * _HIGH_WORD, rate)
    for other in _RATES:
        yield Fraction(number) / other
    yield Fraction(number, rate) * Fraction(1001, 1000)
    yield Fraction(number, rate) * Fraction(1000, 1001)


def _clusters(
    groups: Sequence[Referenced], claims: Sequence[_Claim], placed: Sequence[int]
) -> list[list[int]]:
    """Return the groups whose references place them near each other, together."""
    longest = max((groups[i].seconds for i in placed), default=0.0)
    reach = Fraction(max(10.0, min(longest, _FURTHEST_SECONDS)))
    clusters: list[list[int]] = []
    end = Fraction(0)
    for i in sorted(placed, key=lambda i: claims[i].seconds or 0):
        start = claims[i].seconds or Fraction(0)
        if clusters and start <= end + reach:
            clusters[-1].append(i)
            end = max(end, start + Fraction(groups[i].seconds))
        else:
            clusters.append([i])
            end = start + Fraction(groups[i].seconds)
    return clusters


def _believed(clusters: Sequence[list[int]], claims: Sequence[_Claim]) -> set[int]:
    """Return the groups whose references are believed; none where two clusters are as good.

    A cluster into which all other references fall when they are read otherwise says most; else
    that which most groups agree on, and of two such, the one that is not all zero.
    """
    explaining = [
        cluster
        for cluster in clusters
        if len(clusters) > 1
        and all(
            _rereading(claims[i], _starts_of(cluster, claims)) is not None
            for other in clusters
            if other is not cluster
            for i in other
        )
    ]
    if len(explaining) == 1:
        return set(explaining[0])

    def weight(cluster: Sequence[int]) -> tuple[int, bool]:
        return len(cluster), any(claims[i].seconds for i in cluster)

    best = sorted(clusters, key=weight, reverse=True)
    if not best or (len(best) > 1 and weight(best[0]) == weight(best[1])):
        return set()
    return set(best[0])


def _starts_of(cluster: Iterable[int], claims: Sequence[_Claim]) -> list[Fraction]:
    return [s for i in cluster if (s := claims[i].seconds) is not None]


def _rereading(claim: _Claim, near: Sequence[Fraction]) -> Fraction | None:
    """Return the one start of others that a claim hits exactly if it is read otherwise."""
    hit = {
        beside
        for seconds in claim.others
        for beside in near
        if seconds > 0 and abs(seconds - beside) <= _SAME_SECONDS
    }
    return hit.pop() if len(hit) == 1 else None


def _twofold(group: Referenced, claim: _Claim) -> Iterator[str]:
    """Yield a warning of a group whose iXML places it elsewhere than the believed bext does.

    An iXML of zero was never filled in, and says nothing.
    """
    for header in group.headers:
        other = header.other_start
        if other and claim.seconds is not None and abs(other - claim.seconds) > _SAME_SECONDS:
            yield (
                f"'{group.name}' begins at {clock_time(claim.seconds)} by its bext time reference, "
                f"and at {clock_time(other)} by its iXML: the first is taken. Stamp it again to be "
                "sure."
            )
            return


def _alone(
    i: int, believed: set[int], groups: Sequence[Referenced], claims: Sequence[_Claim]
) -> Iterator[str]:
    """Yield a warning of a group that by its reference never sounds together with another."""
    start = claims[i].seconds or Fraction(0)
    end = start + Fraction(groups[i].seconds)
    others = [j for j in believed if j != i]
    if others and not any(
        (claims[j].seconds or 0) < end
        and start < (claims[j].seconds or 0) + Fraction(groups[j].seconds)
        for j in others
    ):
        yield (
            f"'{groups[i].name}' never sounds together with other audio of the cue, by its time "
            f"reference ({clock_time(start)}). Check where it begins in the session."
        )


def _doubted(group: Referenced, claim: _Claim, near: Sequence[Fraction]) -> Start:
    """Return the start of a group whose reference cannot be believed as it stands."""
    number = _number(claim.raw)
    where = f" ({clock_time(claim.seconds)})" if claim.seconds is not None else ""
    seconds = _rereading(claim, near)
    if seconds is not None:
        note = (
            f"'{group.name}': its time reference {number}{where} cannot be at {claim.rate} Hz, as "
            f"the cue's other audio begins at {clock_time(seconds)}. Counted at another rate, or "
            "with its lost upper half, it says just that: so it was read."
        )
        return Start(seconds, "time reference, reread", (*claim.told, note))
    if claim.seconds is None:
        why = "is no time of day"
    elif near:
        others = clock_time(min(near))
        why = f"is far from the cue's other audio, which begins at {others}"
    else:
        why = "is far from every other's, and nothing tells which is right"
    note = (
        f"'{group.name}': its time reference {number}{where} {why}. It is not used; the file is "
        "taken to begin with the others unless its sound says where. Stamp it again to be sure."
    )
    return Start(None, "time reference, not believed", (*claim.told, note))


def _number(raw: int | None) -> str:
    if raw is not None and raw >= _SIGN_BIT:
        return "2⁶⁴−1 (all ones)" if raw == 2 * _SIGN_BIT - 1 else f"{raw - 2 * _SIGN_BIT}"
    return str(raw)


def clock_time(seconds: Fraction) -> str:
    """Return seconds since midnight as a time of day.

    Examples
    --------
    >>> clock_time(Fraction(3600))
    '01:00:00.000'
    """
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{thousandths:03d}"
