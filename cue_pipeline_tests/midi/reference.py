"""A second, slow way to every time: rational numbers, one event at a time, nothing of ours."""

from fractions import Fraction


def exact_seconds(tick, changes, ticks_per_beat):
    """Walk over every tempo segment in rational numbers."""
    at, micros, seconds = 0, 500_000, Fraction(0)
    for change, new in sorted(changes, key=lambda c: c[0]):
        if change > tick:
            break
        seconds += Fraction((change - at) * micros, 1_000_000 * ticks_per_beat)
        at, micros = change, new
    return seconds + Fraction((tick - at) * micros, 1_000_000 * ticks_per_beat)


def counted_bar_beat(tick, signatures, ticks_per_beat):
    """Step from bar line to bar line; a time signature in a bar cuts it, unless it is no other."""
    said = {0: (4, 4), **signatures}
    changes, in_force = {}, None
    for at in sorted(said):
        if said[at] != in_force:
            in_force = changes[at] = said[at]
    later = sorted(changes)
    bar, line, (numerator, denominator) = 1, Fraction(0), changes[0]
    while True:
        following = line + Fraction(numerator * 4 * ticks_per_beat, denominator)
        cut = [t for t in later if line < t <= following]
        if cut:
            following = Fraction(cut[0])
        if tick < following:
            return bar, 1 + (tick - line) * denominator / Fraction(4 * ticks_per_beat)
        bar, line = bar + 1, following
        if cut:
            numerator, denominator = changes[cut[0]]
