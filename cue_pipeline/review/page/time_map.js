// Where a sound stands on the axis of time: knots [[axis, own], …], as alignments are read.
// Between two knots time runs evenly; outside of them as fast as on the axis.

function along(x, knots, from, to) {
  const last = knots.length - 1;
  if (x <= knots[0][from]) return knots[0][to] + x - knots[0][from];
  if (x >= knots[last][from]) return knots[last][to] + x - knots[last][from];
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle][from] <= x) low = middle; else high = middle;
  }
  const part = (x - knots[low][from]) / (knots[high][from] - knots[low][from]);
  return knots[low][to] + part * (knots[high][to] - knots[low][to]);
}

/** Return the sound's own second at a moment of the axis. */
export const ownAt = (knots, axis) => along(axis, knots, 0, 1);

/** Return the moment of the axis at a second of the sound. */
export const axisAt = (knots, own) => along(own, knots, 1, 0);

/** Return pieces [[axis, axis], [own, own]] of a stretch of the axis within which time runs evenly. */
export function evenPieces(knots, from, until) {
  const cuts = [from, ...knots.map((k) => k[0]).filter((t) => t > from && t < until), until];
  return cuts.slice(1).map((end, i) => [
    [cuts[i], end], [ownAt(knots, cuts[i]), ownAt(knots, end)],
  ]);
}
