"""What one audio file says of itself, chunk by chunk, with every number checked against the file.

Conventions
-----------
Sizes and offsets are bytes. A *note* is a sentence without the file's name, for the file's
warnings: it tells of each number that was not believed, and what was taken in its place.
"""

from dataclasses import dataclass, field

_BYTES = {
    "PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SampleForm:
    """How one plain sample is written.

    Attributes
    ----------
    subtype : str
        Libsndfile's word: ``PCM_24``, ``FLOAT`` ….
    big_endian : bool
    scale : float
        What a sample, read as its subtype, is multiplied with to have full scale at 1.0: not 1
        for floats that count in integers, and for integers at the lower end of their words.
    """

    subtype: str
    big_endian: bool = False
    scale: float = 1.0

    @property
    def bytes(self) -> int:
        """Bytes of one sample."""
        return _BYTES[self.subtype]

    @property
    def is_plain(self) -> bool:
        """Whether it is little-endian, at its word's own scale."""
        return not self.big_endian and self.scale == 1.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: where its payload is, and how long it is, there and by its head."""

    name: bytes
    at: int
    size: int
    said: int


@dataclass(frozen=True, slots=True)
class IxmlTrack:
    """One track of iXML's TRACK_LIST; indices count from 1, None where not given."""

    channel_index: int | None
    interleave_index: int | None
    name: str
    function: str


@dataclass(frozen=True, slots=True)
class Ixml:
    """What iXML says.

    Attributes
    ----------
    tracks : tuple of IxmlTrack
        In the order of interleaving.
    family_uid : str or None
        Files of one recording share it.
    sample_rate : int or None
        Of the file, Hz, as it was when the metadata were written.
    time_reference : int or None
        Samples since midnight, by SPEED or BEXT.
    time_reference_rate : int or None
        Hz: what the time reference counts in.
    """

    tracks: tuple[IxmlTrack, ...] = ()
    family_uid: str | None = None
    sample_rate: int | None = None
    time_reference: int | None = None
    time_reference_rate: int | None = None


@dataclass(frozen=True, slots=True)
class AdmTrack:
    """One row of ``chna`` (ITU-R BS.2076): which ADM definition an interleaved channel has.

    Attributes
    ----------
    track_index : int
        Counted from 1.
    track_uid, track_format, pack_format : str
        ``ATU_00000001``, ``AT_00010001_01``, ``AP_00010003``.
    """

    track_index: int
    track_uid: str
    track_format: str
    pack_format: str


@dataclass(slots=True)
class Contents:
    """What one file says and holds.

    Attributes
    ----------
    container : str
        ``WAV``, ``RF64``, ``W64``, ``AIFF``, ``CAF``, ``FLAC``.
    file_size : int
    chunks : list of Chunk
        In the file's order.
    sample_rate, channels : int
    form : SampleForm or None
        None where a decoder is needed.
    frames, promised_frames : int
        Samples of each channel that are there, and by the header; of a codec, 0 where only its
        decoder can tell.
    bits : int
        Of a codec's samples, where they are known.
    codec : str
        The container's own word for what needs a decoder.
    clean_head : bytes
        Of a codec: what a decoder is given in front of the samples, in place of the file's head.
    data_offset : int or None
        Where the samples begin; None without any.
    data_size : int
        Bytes of samples that are there.
    promised_size : int
        Bytes of samples by the header.
    believed_size : int or None
        Bytes of samples by the header, where what follows may be samples too.
    channel_mask : int or None
        ``dwChannelMask`` of WAVE_FORMAT_EXTENSIBLE; None where the file has none.
    subformat : bytes or None
        WAVE_FORMAT_EXTENSIBLE's GUID, 16 bytes as they stand.
    channel_layout : bytes or None
        Core Audio's AudioChannelLayout, the payload of CAF's ``chan`` and AIFF's ``CHAN``.
    ixml : Ixml or None
    adm_tracks : tuple of AdmTrack
        Rows of ``chna``.
    axml : bytes or None
        The ADM document.
    time_reference : int or None
        Samples since midnight, by ``bext``.
    notes : list of str
    fault : str or None
        Why it cannot be used, without the file's name.
    """

    container: str
    file_size: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    sample_rate: int = 0
    channels: int = 0
    form: SampleForm | None = None
    frames: int = 0
    promised_frames: int = 0
    bits: int = 0
    codec: str = ""
    clean_head: bytes = b""
    data_offset: int | None = None
    data_size: int = 0
    promised_size: int = 0
    believed_size: int | None = None
    channel_mask: int | None = None
    subformat: bytes | None = None
    channel_layout: bytes | None = None
    ixml: Ixml | None = None
    adm_tracks: tuple[AdmTrack, ...] = ()
    axml: bytes | None = None
    time_reference: int | None = None
    notes: list[str] = field(default_factory=list)
    fault: str | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.form.bytes if self.form else 0

    def chunk(self, *names: bytes) -> Chunk | None:
        """Return the first chunk of one of some names."""
        return next((c for c in self.chunks if c.name in names), None)
