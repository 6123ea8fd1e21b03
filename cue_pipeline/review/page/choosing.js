// Dialogs in which something is chosen: a category, or yes or no; and the cue as a table.

/** Ask for one of some names by typing part of it; null: none was chosen. */
export function chooseName(dialog, names, typed) {
  const input = dialog.querySelector("input"), list = dialog.querySelector("ul");
  let shown = [], at = 0;
  const draw = () => {
    const wanted = input.value.trim().toLowerCase();
    const begins = names.filter((n) => n.toLowerCase().startsWith(wanted));
    const holds = names.filter((n) => !begins.includes(n) && n.toLowerCase().includes(wanted));
    shown = [...begins, ...holds];
    at = Math.max(0, Math.min(at, shown.length - 1));
    list.replaceChildren(...shown.map((name, i) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.id = `category-${i}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(i === at));
      item.addEventListener("click", () => { at = i; dialog.close("yes"); });
      return item;
    }));
    input.setAttribute("aria-activedescendant", shown.length ? `category-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const keys = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at += event.key === "ArrowDown" ? 1 : -1;
      draw();
      event.preventDefault();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown.length) dialog.close("yes");
    }
  };
  const changed = () => { at = 0; draw(); };
  input.value = typed;
  input.addEventListener("input", changed);
  dialog.addEventListener("keydown", keys);
  draw();
  dialog.returnValue = "";
  dialog.showModal();
  input.focus();
  return closed(dialog).then((value) => {
    input.removeEventListener("input", changed);
    dialog.removeEventListener("keydown", keys);
    return value === "yes" ? shown[at] ?? null : null;
  });
}

/** Ask whether something is to be done to the things that are listed. */
export async function confirmAll(dialog, title, lines) {
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("ul").replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  dialog.returnValue = "no";
  dialog.showModal();
  dialog.querySelector("button").focus();
  return (await closed(dialog)) === "yes";
}

/**
 * Show a cue's tracks and stems with the score of each pair; return the pair that is chosen.
 * `at`: the pair that is looked at now, `{track, stem}`; `play`: what Space does, here as everywhere.
 */
export async function chooseInCue(dialog, cue, standing, at, play) {
  dialog.querySelector("h2").textContent = `${cue.key}: how well each track fits each stem by ear. Enter or a click shows a pair, Space plays.`;
  let chosen = null;
  const cell = (name, text, scope) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (scope) element.scope = scope;
    return element;
  };
  const head = document.createElement("tr");
  head.append(cell("td", ""), cell("td", ""), ...cue.stems.map((stem) => cell("th", stem.name, "col")));
  const rows = cue.tracks.map((track, t) => {
    const row = document.createElement("tr"), decided = standing[track.id];
    const state = cell("td", decided ? `${decided.by}: ${decided.stem === "-" ? "no stem" : decided.stem ?? decided.category}` : track.state ?? "not mapped");
    state.className = "state";
    row.append(cell("th", `${track.place} ${track.name || "(no name)"}`, "row"), state);
    cue.stems.forEach((stem, s) => {
      const score = cue.scores[t][s], td = document.createElement("td"), button = document.createElement("button");
      const mapped = track.stem === stem.id;
      button.textContent = score === null ? "·" : score.toFixed(2);
      button.title = `${track.name || track.place} in ${stem.name}: ${score === null ? "not compared" : score.toFixed(2)}${mapped ? ", mapped" : ""}`;
      button.setAttribute("aria-label", button.title);
      button.style.background = `color-mix(in srgb, var(--accent) ${Math.round(Math.max(0, Math.min(1, score ?? 0)) * 60)}%, var(--ground))`;
      button.addEventListener("click", () => { chosen = { track: track.id, stem: stem.id }; dialog.close(); });
      if (mapped) td.className = "mapped";
      if (track.id === at.track && stem.id === at.stem) button.autofocus = true;
      td.append(button);
      row.append(td);
    });
    return row;
  });
  const body = document.createElement("tbody"), thead = document.createElement("thead");
  thead.append(head);
  body.append(...rows);
  dialog.querySelector("table").replaceChildren(thead, body);
  const keys = (event) => {
    const rows = [...body.rows].map((row) => [...row.querySelectorAll("button")]);
    const row = rows.findIndex((buttons) => buttons.includes(event.target));
    if (row < 0) return;
    if (event.key === " ") { // plays: Enter alone chooses
      event.preventDefault();
      if (event.type === "keydown" && !event.repeat) play();
      return;
    }
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step || event.type === "keyup") return;
    event.preventDefault();
    rows[row + step[0]]?.[rows[row].indexOf(event.target) + step[1]]?.focus();
  };
  for (const type of ["keydown", "keyup"]) dialog.addEventListener(type, keys);
  dialog.showModal();
  if (!dialog.querySelector("table [autofocus]")) dialog.querySelector("form button").focus();
  await closed(dialog);
  for (const type of ["keydown", "keyup"]) dialog.removeEventListener(type, keys);
  return chosen;
}

function closed(dialog) {
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}
