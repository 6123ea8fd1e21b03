"""Text in MIDI files: bytes whose encoding nobody wrote down."""


def decode(raw: bytes) -> str:
    """Return the text of bytes."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
