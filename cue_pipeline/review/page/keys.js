// Keys: one table, from which the help is written too.

export const KEYS = [
  [" ", "Space", "play", "play or stop"],
  ["Enter", "Enter", "accept", "accept the stem that is heard"],
  ["0", "0", "none", "it is in no stem"],
  ["1", "1 – 5", "candidate", "hear another candidate"],
  ["2", null, "candidate"], ["3", null, "candidate"], ["4", null, "candidate"], ["5", null, "candidate"],
  ["x", "x", "skip", "decide later"],
  ["j", "j", "next", "next track"],
  ["k", "k", "previous", "track before"],
  ["u", "u", "undo", "take the last decision back"],
  ["b", "b", "same", "the same for all tracks of this name or stem"],
  ["/", "/ or a letter", "category", "say its category (Shift with a letter of this table)"],
  ["m", "m", "mix", "hear the mix, and back"],
  ["s", "s", "solo", "both, the stem alone, the track alone"],
  ["l", "l", "loop", "loop what is seen, or what is marked"],
  ["ArrowLeft", "← →", "back", "two seconds back or on"],
  ["ArrowRight", null, "on"],
  ["+", "+ −", "in", "see closer, see more"],
  ["=", null, "in"], ["-", null, "out"],
  ["[", "[ ]", "to-stem", "more of the stem, more of the track"],
  ["]", null, "to-track"],
  ["Home", "Home", "home", "to where the track tells most"],
  [",", ", .", "earlier", "move the notes by 10 ms, with Shift by 100 ms"],
  [".", null, "later"], ["<", null, "much-earlier"], [">", null, "much-later"], [";", null, "much-earlier"], [":", null, "much-later"],
  ["v", "v", "cue", "all tracks and stems of the cue"],
  ["?", "?", "help", "this table"],
];

const BY_KEY = new Map(KEYS.map(([key, , action]) => [key, action]));

/** Call `act(action, key)` for keys that are pressed outside of fields and dialogs. */
export function listen(act) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (target.closest("input:not([type=range]), select, textarea")) return;
    if (target.matches("input[type=range]") && key.startsWith("Arrow")) return;
    if (target.closest("button") && (key === " " || key === "Enter")) return; // it presses the button
    const action = BY_KEY.get(key) ?? (/^\p{L}$/u.test(key) ? "category" : null);
    if (!action) return;
    event.preventDefault();
    if (event.repeat && !["back", "on", "in", "out", "next", "previous", "earlier", "later", "much-earlier", "much-later"].includes(action)) return;
    act(action, key);
  });
}

/** Write the table of keys. */
export function writeHelp(list, readOnly) {
  const writes = ["accept", "none", "skip", "undo", "same", "category", "earlier"];
  for (const [, label, action, says] of KEYS) {
    if (!label || (readOnly && writes.includes(action))) continue;
    const [dt, kbd, dd] = ["dt", "kbd", "dd"].map((name) => document.createElement(name));
    kbd.textContent = label;
    dd.textContent = says;
    dt.append(kbd);
    list.append(dt, dd);
  }
}
