"""SMPTE time code as a MIDI file writes it (meta event 0x54).

References
----------
SMPTE ST 12-1 (frame counts, drop-frame numbering); MIDI Time Code, RP-004/008; Standard MIDI
Files 1.0, RP-001: SMPTE Offset.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_RATES = ("24", "25", "29.97 drop", "30")
_COUNTED = (24, 25, 30, 30)
_DROP = 2


@dataclass(frozen=True, slots=True)
class TimeCode:
    """A moment of the day, as a film counts it.

    Attributes
    ----------
    kind : int
        0: 24 frames a second, 1: 25, 2: 29.97 with drop-frame numbering, 3: 30.
    hours, minutes, seconds, frames, hundredths : int
        ``hundredths`` of a frame.
    """

    kind: int
    hours: int
    minutes: int
    seconds: int
    frames: int
    hundredths: int

    @property
    def seconds_since_midnight(self) -> float:
        """Real time since the time code 00:00:00:00.

        Drop-frame numbering leaves out two numbers at each minute but every tenth, and each frame
        lasts 1001/30000 s.
        """
        minutes = 60 * self.hours + self.minutes
        frames = (60 * minutes + self.seconds) * _COUNTED[self.kind] + self.frames
        length = Fraction(1, _COUNTED[self.kind])
        if self.kind == _DROP:
            frames -= 2 * (minutes - minutes // 10)
            length = Fraction(1001, 30_000)
        return float((frames + Fraction(self.hundredths, 100)) * length)

    def parts(self) -> dict[str, Any]:
        """Return it as the tables hold it."""
        return {
            "rate": _RATES[self.kind],
            "hours": self.hours,
            "minutes": self.minutes,
            "seconds": self.seconds,
            "frames": self.frames,
            "hundredths": self.hundredths,
        }

    def __str__(self) -> str:
        """Return it as film people write it, with its rate."""
        before_frames = ";" if self.kind == _DROP else ":"
        part = f".{self.hundredths:02d}" if self.hundredths else ""
        return (
            f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{before_frames}"
            f"{self.frames:02d}{part} at {_RATES[self.kind]}"
        )


def read_time_code(data: bytes) -> TimeCode | None:
    """Return the time code that five bytes say; None where there is no such time.

    Parameters
    ----------
    data : bytes
        ``0rrhhhhh mm ss fr ff``, of the meta event.
    """
    if len(data) != 5 or data[0] & 0x80:
        return None
    kind, hours = data[0] >> 5 & 3, data[0] & 0x1F
    _, minutes, seconds, frames, hundredths = data
    fits = hours < 24 and minutes < 60 and seconds < 60 and hundredths < 100
    if not fits or frames >= _COUNTED[kind]:
        return None
    return TimeCode(kind, hours, minutes, seconds, frames, hundredths)
