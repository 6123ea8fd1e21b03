"""Text from files as people are shown it: what would act on a terminal or a page is written out.

Names of tracks, stems and folders are other people's data. They are stored whole; wherever they
are shown, a control character is no command any more.
"""

import os
import re
from pathlib import Path
from typing import Final

MOST_OF_A_LINE: Final = 4_000
"""Characters shown of a message, in whose midst a name of a megabyte may stand."""
MOST_OF_A_NAME: Final = 300
"""Characters shown of a name, a reason, or whatever else is one cell of a table."""

# Control characters, directions of writing that turn what follows, line ends other than the usual,
# and halves of characters. Joiners stay: emoji and some scripts are made with them.
_ACTING: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str, most: int = MOST_OF_A_LINE) -> str:
    r"""Return text with each control character written as Python writes it, cut in its midst.

    Parameters
    ----------
    text : str
    most : int
        Characters shown; of more, the first and the last ones, and how many are left out.

    Examples
    --------
    >>> shown("Vla\x1b[31mRED") == r"Vla\x1b[31mRED"
    True
    >>> shown("a" * 1_000_000 + "z", most=20)
    'aaaaaaaaaaaaa … (999981 characters) … aaaaaaz'
    """
    if len(text) > most:
        last = most // 3
        first = most - last
        text = f"{text[:first]} … ({len(text) - most} characters) … {text[-last:]}"
    return _ACTING.sub(_written_out, text)


def shown_lines(text: str) -> str:
    """Return text with its lines kept, and each other control character written out."""
    return "\n".join(shown(line) for line in text.split("\n"))


def shown_path(path: str | Path) -> str:
    """Return a path that can be printed, whatever bytes and control characters it holds."""
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace"))


def shown_json(text: str) -> str:
    """Return JSON of several lines that means the same and acts on no terminal."""
    return "\n".join(
        _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n")
    )


def _written_out(found: re.Match[str]) -> str:
    char = found[0]
    code = f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
    return _SHORT.get(char, code)
