"""What the names of a cue's groups say of mixes, before anything is heard."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cue_pipeline.audio.channel_names import holds_pattern
from cue_pipeline.audio.sums import Sums

Role = Literal["stem", "mix", "fold-down", "old mix"]

_VERSION = re.compile(
    r"v?\d+[a-z]?|\d+[ms]\d+[a-z]?(?:v\d+)?|v\d+.*|tk\d*|take|alt\d*|rev\w*|final|prints?|bounced?|mst|master|dup\d*|old|new|orig|"
    r"copy|mix(?:es|down)?|mx|\d+mx|stereo|mono|fold(?:down)?|down(?:mix)?|ltrt|loro|lt|rt|lo|ro|full|"
    r"ref\d*|reference|surround|main|\d+k|\d+b(?:it)?|\d+ch|sum|comp"
)
_MIX_WORDS = re.compile(
    r"\d+mx|mix|mixdown|ltrt|loro|fold(?:down)?|downmix|ref|reference|fullmix|stereomix|refmix"
)


@dataclass(frozen=True, slots=True)
class Cast:
    """What a group is in its cue.

    Attributes
    ----------
    role : {"stem", "mix", "fold-down", "old mix"}
    known_by : str
        ``name``, ``sum``, ``name and sum``, or ``sound`` (likeness to the mix).
    warnings : tuple of str
        What a person should know of it.
    doubt : str or None
        That among them which leaves open whether it is the stem that it is taken for.
    """

    role: Role
    known_by: str = "name"
    warnings: tuple[str, ...] = field(default=())
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """What a group's name says."""

    name: str
    pattern: str | None  # of the final mixes', which it holds
    hinted: bool  # it holds another word that mixes are called by
    own: frozenset[str]  # what is left without the cue's and versions' words


def read_names(names: Sequence[str], patterns: Sequence[str]) -> list[NamedGroup]:
    """Return what each name of a cue says, held against the others."""
    words = []
    for name in names:
        rest = name.casefold()
        pattern = holds_pattern(name, patterns)
        if pattern:
            rest = rest.replace(pattern.casefold(), " ")
        words.append((pattern, set(re.findall(r"[^\W_]+", rest))))
    count = Counter(word for _, own in words for word in own)
    common = {word for word, n in count.items() if len(names) > 1 and 2 * n > len(names)}
    lefts = [frozenset(w for w in own - common if not _VERSION.fullmatch(w)) for _, own in words]
    called = [
        pattern is not None or any(_MIX_WORDS.fullmatch(w) for w in own - common)
        for pattern, own in words
    ]
    # The one that is named for the cue alone; where several are, they are only numbered.
    bare = [i for i, left in enumerate(lefts) if not left and not called[i]]
    if len(bare) == 1 and len(names) > 2:
        called[bare[0]] = True
    return [
        NamedGroup(name, pattern, pattern is None and is_called, left)
        for name, (pattern, _), is_called, left in zip(names, words, called, lefts, strict=True)
    ]


def cast_by_names(names: Sequence[str], patterns: Sequence[str]) -> list[Cast]:
    """Return what names alone say.

    Where every name of three or more groups holds the pattern, and one is the bare mix's, the
    others are its stems.
    """
    return named_roles(read_names(names, patterns))


def named_roles(named: Sequence[NamedGroup]) -> list[Cast]:
    """Return what each group is by its name alone."""
    proposed = [n for n in named if n.pattern]
    bare = [n for n in proposed if not n.own]
    split = len(named) > 2 and len(proposed) == len(named) and len(bare) == 1
    return [
        Cast("mix")
        if n.pattern and not (split and n.own)
        else Cast("stem", "name", (_stem_in_spite(n, bare[0].name),) if split else ())
        for n in named
    ]


def _stem_in_spite(one: NamedGroup, mix: str) -> str:
    return (
        f"'{one.name}' holds '{one.pattern}' as a mix's name does, and so do all names of the cue: "
        f"it is taken as a stem, and '{mix}' as the mix."
    )


def likeliest_mix(names: Sequence[str], patterns: Sequence[str], sums: Sums) -> int | None:
    """Return the group that is the mix by its name, None where no name says so.

    Parameters
    ----------
    names, patterns, sums
        As for :func:`cue_pipeline.audio.roles.cast_groups`.
    """
    named = read_names(names, patterns)
    candidates = [
        i for i, n in enumerate(named) if (n.pattern or (n.hinted and not n.own)) and sums.heard[i]
    ]
    return min(
        candidates,
        key=lambda i: (not named[i].pattern, bool(named[i].own), -float(sums.power[i])),
        default=None,
    )


def has_mix_word(name: str) -> bool:
    """Return whether a whole word of a name is one that mixes are called by."""
    return any(_MIX_WORDS.fullmatch(word) for word in re.findall(r"[^\W_]+", name.casefold()))
