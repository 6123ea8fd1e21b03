"""The hand-written list of session names, in its two halves, and how well they are read."""

from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.mapping.names.parsing import categorise

_LIST = Path(__file__).parent / "data" / "session_names.txt"
SURE = 0.9


@dataclass(frozen=True)
class Labelled:
    name: str
    accepted: tuple[str | None, ...]
    dev: bool


@dataclass(frozen=True)
class Score:
    n: int
    right: int
    sure: int
    sure_right: int
    wrong: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        return self.right / self.n

    @property
    def sure_accuracy(self) -> float:
        return self.sure_right / self.sure


def labelled_names() -> list[Labelled]:
    names = []
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and line.strip():
            name, _, categories = line.rpartition(" = ")
            accepted = tuple(None if c == "-" else c for c in categories.split(" | "))
            names.append(Labelled(name, accepted, dev=len(names) % 2 == 0))
    return names


def score(names: list[Labelled]) -> Score:
    read = [(n, categorise(n.name)) for n in names]
    sure = [(n, c) for n, c in read if c.confidence >= SURE]
    return Score(
        n=len(read),
        right=sum(c.category in n.accepted for n, c in read),
        sure=len(sure),
        sure_right=sum(c.category in n.accepted for n, c in sure),
        wrong=tuple(
            f"{n.name}: {c.category} ({c.confidence:.2f}), not {n.accepted}"
            for n, c in read
            if c.category not in n.accepted
        ),
    )


def report() -> str:
    lines = []
    for half, dev in (("dev", True), ("held out", False)):
        s = score([n for n in labelled_names() if n.dev is dev])
        lines.append(
            f"{half}: {s.right}/{s.n} right ({s.accuracy:.1%}); confident {s.sure}, of these "
            f"{s.sure_right} right ({s.sure_accuracy:.1%})"
        )
    return "\n".join(lines)
