// What the page asks its server, and what it does when there is no answer.

/** Something the server told: `told` says what was found and what to do. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.told || `The server answered ${status}.`);
    this.status = status;
    this.standing = body.standing || {};
  }
}

/** The server does not answer at all. */
export class Offline extends Error {}

let whenOffline = () => {};
/** Have a function told whether the server answers, each time that this is known. */
export function watchConnection(told) { whenOffline = told; }

async function asked(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    whenOffline(true);
    throw new Offline("The page's server does not answer.");
  }
  whenOffline(false);
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Refusal(response.status, body);
  }
  return response;
}

function query(values) {
  const there = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== "");
  return new URLSearchParams(there).toString();
}

/** Ask for JSON. */
export async function ask(path, values = {}, options = {}) {
  return (await asked(`${path}?${query(values)}`, options)).json();
}

/** Send JSON that writes. */
export async function send(path, body) {
  const options = {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  return (await asked(path, options)).json();
}

/** Ask for bytes, of a file perhaps only those from `first` to `last`. */
export async function askBytes(path, values, first = null, last = null, signal = undefined) {
  const headers = first === null ? {} : { range: `bytes=${first}-${last}` };
  return (await asked(`${path}?${query(values)}`, { headers, signal })).arrayBuffer();
}

/** Send something while the page is closed. */
export function sendLast(path, body) {
  navigator.sendBeacon(path, new Blob([JSON.stringify(body)], { type: "application/json" }));
}
