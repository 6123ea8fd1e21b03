"""A library on disk and its warehouse, without any run: cues are noted as made."""

import hashlib
import os
import time
from datetime import UTC, datetime

from cue_pipeline.cue.file_hash import hash_of_file
from cue_pipeline.library import graph
from cue_pipeline.library.file_contents import note_audio, note_midi
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.recognition import read_folder
from cue_pipeline.library.status import read_status
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse import ledger as led
from cue_pipeline.warehouse.ledger import Entry
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.transaction import write


def nobody(keys):
    """Say of cues which have a run under way."""
    return ()


class Shelf:
    """A library on disk with a warehouse; its cues are noted as made, nothing is computed."""

    def __init__(self, root):
        self.root = root
        self.settings = read_settings()
        self.store = open_store(self.settings.database_url.get_secret_value())

    def cue(self, key, sound=b"sound"):
        for name, data in {
            "MIDI/a.mid": b"notes of " + sound,
            "PT/Audio Files/VLN.L.wav": b"left " + sound,
            "PT/Audio Files/VLN.R.wav": b"right " + sound,
        }.items():
            path = self.root / key / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return self.root / key

    def process(self, base=None, busy_among=nobody):
        """Plan, and note what is due as made: what each cue lacked, by key."""
        plan = plan_library(base or self.root, self.store, self.settings, busy_among=busy_among)
        for cue in plan.cues:
            if cue.assets:
                self._note_made(cue.folder.key)
        return plan

    def _note_made(self, key):
        cue = self.store.cue(key)
        folder = read_folder(cue)
        sha = {
            p: hashlib.sha256((folder.path / p).read_bytes()).hexdigest() for p in folder.midi_paths
        }
        note_midi(self.store, folder, sha)
        note_audio(
            self.store, folder, {f[0]: hash_of_file(folder.path, f) for f in folder.audio_files}
        )
        versions = graph.code_versions(self.settings)
        expected = graph.expected_data_versions(
            folder, versions, self.store.decisions(key).get(key, {})
        )
        moment = datetime.now(UTC)
        for asset in graph.GRAPH:
            entry = Entry(
                cue.id,
                asset,
                graph.fingerprint(asset, folder),
                versions[asset],
                expected[asset],
                moment,
            )
            write(
                self.store.engine,
                lambda c, e=entry: led.write_entry(c, e, "ready", row_count=1, finished_at=moment),
            )

    def lacking(self, plan=None):
        plan = plan or self.process()
        return {cue.folder.key: set(cue.assets) for cue in plan.cues if cue.assets}

    def decided(self, key):
        return list(self.store.overrides(key)["track"])

    def keys(self):
        return {cue.cue_key: cue.state for cue in self.store.cues()}

    def stale(self):
        return {s.cue_key for s in read_status(self.store, self.settings) if s.state != "ready"}


def redate(folder):
    """Give every file another date, as an archive does that keeps none."""
    for k, path in enumerate(sorted(p for p in folder.rglob("*") if p.is_file())):
        os.utime(path, ns=(k, time.time_ns() - 10**15 - k))
