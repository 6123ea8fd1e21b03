"""Random valid files, with a list of what is in them."""

import os
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from cue_pipeline_tests.midi.smf import END, chunk, header, vlq

# A long run on demand; the default keeps the suite short.
EXAMPLES = int(os.environ.get("CUE_TEST_EXAMPLES", "80"))
LONG_RUN = "CUE_TEST_EXAMPLES" in os.environ

DATA = st.integers(0, 127)
DELTAS = st.one_of(
    st.integers(0, 5), st.integers(0, 500), st.sampled_from([127, 128, 16_383, 16_384])
)
LONG_DELTAS = st.one_of(DELTAS, st.sampled_from([2_097_151, 2_097_152, 0x0FFFFFFF]))


@st.composite
def channel_messages(draw: st.DrawFn) -> tuple[int, ...]:
    kind = draw(st.sampled_from([0x80, 0x90, 0x90, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0]))
    status = kind | draw(st.sampled_from([0, 0, 1, 15]))
    # Few pitches and many zero velocities, so that notes meet.
    first = draw(st.sampled_from([0, 60, 61, 127]) if kind <= 0x90 else DATA)
    if kind in (0xC0, 0xD0):
        return status, first
    return status, first, draw(st.one_of(st.just(0), DATA) if kind == 0x90 else DATA)


TEMPOS = st.integers(1, 0xFFFFFF).map(lambda us: (0x51, us.to_bytes(3, "big")))
METERS = st.tuples(st.integers(1, 255), st.integers(0, 8)).map(lambda m: (0x58, bytes([*m, 24, 8])))
KEYS = st.tuples(st.integers(-7, 7), st.integers(0, 1)).map(
    lambda k: (0x59, bytes([k[0] & 0xFF, k[1]]))
)
OTHERS = st.tuples(
    st.sampled_from([0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x20, 0x21, 0x54, 0x60, 0x7F]),
    st.binary(min_size=5, max_size=200),
)
METAS = st.one_of(TEMPOS, METERS, KEYS, OTHERS)
SYSEX = st.tuples(st.sampled_from([0xF0, 0xF7]), st.binary(max_size=300))
EVENTS = st.one_of(channel_messages(), channel_messages(), METAS, SYSEX)


@dataclass
class Written:
    """A file and what was put into it.

    ``messages`` are (track, tick, status, data1, data2, offset of the byte after it);
    ``metas`` (track, tick, kind, data).
    """

    data: bytes = b""
    format: int = 1
    division: int = 480
    messages: list[tuple[int, ...]] = field(default_factory=list)
    metas: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    end_ticks: list[int] = field(default_factory=list)
    tracks_at: list[tuple[int, int]] = field(default_factory=list)

    def add_track(self, events: list[tuple[int, Any, bool]], base: int) -> bytes:
        """Encode (delta, event, whether to use running status if one may)."""
        track, tick, running, octets = len(self.end_ticks), 0, None, b""
        for delta, event, run in events:
            tick += delta
            octets += vlq(delta)
            if isinstance(event[1], bytes):
                kind, data = event
                octets += bytes([kind] if kind >= 0xF0 else [0xFF, kind]) + vlq(len(data)) + data
                if kind < 0xF0:
                    self.metas.append((track, tick, kind, data))
                continue
            status, *rest = event
            octets += bytes(rest) if run and running == status else bytes(event)
            running = status
            padded = [*rest, 0][:2]
            self.messages.append((track, tick, status, *padded, base + len(octets)))
        self.end_ticks.append(tick)
        return octets + END


@st.composite
def written_files(
    draw: st.DrawFn, deltas: st.SearchStrategy[int] = DELTAS, n_events: int = 40
) -> Written:
    file = Written(
        format=draw(st.sampled_from([1, 1, 1, 2])),
        division=draw(
            st.sampled_from([1, 24, 96, 480, 960, 32_767, 0xE828, 0xE750, 0xE304, 0xE264])
        ),
    )
    events = st.lists(st.tuples(deltas, EVENTS, st.booleans()), max_size=n_events)
    tracks = draw(st.lists(events, min_size=1, max_size=4))
    file.data = header(file.format, len(tracks), file.division)
    for track in tracks:
        start = len(file.data) + 8
        file.data += chunk(file.add_track(track, start))
        file.tracks_at.append((start, len(file.data)))
    return file
