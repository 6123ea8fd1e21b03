"""How quick the review page is, measured within it; for tests and the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

_WATCH = """() => import("/page/main.js").then(({ player }) => {
  window.heardAfter = new Promise((heard, failed) => addEventListener("keydown", () => {
    setTimeout(() => failed(new Error("nothing is heard after 20 s")), 20_000);
    const began = performance.now(), before = player.decks.at(-1);
    const look = () => {
      const deck = player.decks.at(-1);
      const sounds = deck && deck !== before && player.context.currentTime >= deck.startsAt;
      if (sounds) heard(performance.now() - began); else setTimeout(look, 2);
    };
    look();
  }, { capture: true, once: true }));
})"""

_FIRST_PICTURE = """async () => {
  const { picture } = await import("/page/main.js");
  const drawn = () => [...(picture.tiles?.kept.values() ?? [])].some(Boolean);
  while (!drawn()) await new Promise(requestAnimationFrame);
  return performance.now();
}"""

_FRAMES = """(seconds) => new Promise((done) => {
  const began = performance.now();
  let last = null, frames = 0, late = 0;
  const step = (now) => {
    if (last !== null) { frames += 1; late += now - last > 25; }
    last = now;
    if (now - began < 1000 * seconds) requestAnimationFrame(step); else done([frames, late]);
  };
  requestAnimationFrame(step);
})"""


def seconds_until_heard(page: Page, key: str) -> float:
    """Return how long after a key is pressed the sound that it asks for begins."""
    page.evaluate(_WATCH)
    page.keyboard.press(key)
    return float(page.evaluate("window.heardAfter")) / 1000


def seconds_until_first_picture(page: Page) -> float:
    """Return how long after the page was asked for the first spectrogram was there."""
    return float(page.evaluate(_FIRST_PICTURE)) / 1000


def frames_while_playing(page: Page, seconds: float) -> tuple[int, int, float]:
    """Return how many frames there were, how many of them late, and the page's seconds of work.

    The work is the processor time of the page's thread, which a busy machine does not lengthen.
    """
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    devtools.send("Performance.enable")

    def worked() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    before = worked()
    frames, late = page.evaluate(_FRAMES, seconds)
    after = worked()
    devtools.detach()
    return int(frames), int(late), after - before


def most_memory_mb(status: Path) -> float:
    """Return the most memory that a process has had, from its ``/proc/PID/status``."""
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
