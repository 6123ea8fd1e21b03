// The list of tracks that wait, by cue.

export class QueueList {
  constructor(list, chosen) { Object.assign(this, { list, chosen, buttons: new Map() }); }

  /** Show tracks, those of a cue below its name. */
  show(tracks, left) {
    this.buttons.clear();
    const items = [];
    let cue = null;
    for (const track of tracks) {
      const item = document.createElement("li");
      if (track.cue !== cue) {
        cue = track.cue;
        const head = document.createElement("h3");
        head.textContent = cue;
        item.append(head);
      }
      const button = document.createElement("button");
      button.append(...["name", "mark", "says"].map((name) => {
        const part = document.createElement("span");
        part.className = name;
        return part;
      }));
      button.addEventListener("click", () => this.chosen(track));
      item.append(button);
      items.push(item);
      this.buttons.set(track.id, button);
      this.say(track);
    }
    if (left > 0) {
      const more = document.createElement("li");
      more.append(document.createElement("h3"));
      more.firstChild.textContent = `and ${left} more, which come up as these are decided`;
      items.push(more);
    }
    this.list.replaceChildren(...items);
  }

  /** Say again what is known of a track. */
  say(track) {
    const button = this.buttons.get(track.id);
    if (!button) return;
    const [name, mark, says] = button.children;
    name.textContent = track.name || `(no name) ${track.place}`;
    mark.textContent = track.confidence === null || track.decided ? "" : howSure(track.confidence);
    mark.title = "How sure the program is of what it proposes, “no stem” included";
    says.textContent = inWords(track);
    button.className = track.decided ? "decided" : "";
  }

  /** Mark the track that is looked at. */
  mark(id) {
    for (const [other, button] of this.buttons) button.setAttribute("aria-current", String(other === id));
    this.buttons.get(id)?.scrollIntoView({ block: "nearest" });
  }
}

/** Return how sure the program is of what it proposes, in words. */
export const howSure = (confidence) => `${Math.round(confidence * 100)} % sure`;

/** Return what is proposed or decided of a track, in words. */
export function inWords(track) {
  const { decided } = track;
  if (decided) {
    const stem = decided.stem === "-" ? "no stem" : decided.stem;
    return `✓ ${[stem, decided.category].filter(Boolean).join(", ")} (${decided.by})`;
  }
  return [track.skipped ? "skipped" : track.state, track.stem ?? "no stem", track.category].filter(Boolean).join(" · ");
}
