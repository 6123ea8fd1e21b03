"""Names of tracks and stems that act or are without end, and settings that are misspelt."""

from __future__ import annotations

import csv

from benchmarks.trial_hostile.limited_site import Cases, Site, needed, within
from cue_pipeline_tests.cues import tone, write_audio, write_midi


def names(site: Site) -> str:
    long = "Violins " * 131_072
    acting = "\x1b[31mVln\x1b]0;owned\x07\u202e https://evil.example www.evil.example a@b.example"
    as_utf_8 = acting.encode().decode("latin-1")
    cue = site.base / "1m01"
    write_midi(
        cue / "MIDI" / "a.mid",
        {long: [(480 * k, 60 + k, 400) for k in range(6)], as_utf_8: [(0, 50, 900)]},
    )
    write_audio(cue / "PT" / "Audio Files", {"VLN": tone(220.0), "6mx\u202e": tone(220.0)})
    said = [site.run("process", "library"), site.run("mappings", "1m01"),
            site.run("mappings", "1m01", "--json")]  # fmt: skip
    site.run("mappings", "export", "sheet.csv")
    said.append(site.run("mappings", "import", "sheet.csv"))
    within(said[-1], "0 decisions kept")
    whole = "".join(said[:2] + said[3:])
    needed(len(whole) < 40_000, f"{len(whole)} characters said")
    needed(not any(c in "".join(said) for c in "\x1b\x07\u202e"), "a name acts")
    kept = set(site.frames()["midi_tracks"]["track_name"])
    needed({long.strip(), acting} <= kept, "a name is not whole in the table")
    csv.field_size_limit(1 << 24)
    return "cut and escaped where shown, whole in the tables, export → import says 0 decisions"


def env_file(site: Site) -> str:
    (site.home / ".env").write_text('OPENAI_API_KEY="sk-SECRET\nOPENAI_MODEL=x\n')
    said = site.run("status", expect=2)
    within(said, ".env', line 1 cannot be read")
    needed("SECRET" not in said, "the key is shown")
    (site.home / ".env").write_text("OPENAI_MODLE=x\n")
    within(site.run("db", "upgrade"), "OPENAI_MODLE is no setting", "did you mean OPENAI_MODEL?")
    return "the line is named and refused; the misspelt name is told"


CASES: Cases = {
    "names: escapes, addresses, a megabyte": names,
    ".env: an open quote, a misspelt name": env_file,
}
