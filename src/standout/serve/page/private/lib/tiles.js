// A picture in tiles, and what each of them shows, as in src/standout/masks/tiles.py: full-size work is done only where
// an edge runs.

export const TILE = 32; // the side of the squares, in pixels
export const [NOBODY, EDGE, PERSON] = [0, 1, 2]; // what a tile shows

// What each tile of height x width shows, row by row: nobody where most <= nobody, a person where least >= person.
// least, most: planes of that size or smaller; the same one twice where the mask itself is at hand.
export function kindsOf(least, most, height, width, { nobody, person }) {
  const rows = edges(least.height, height);
  const columns = edges(least.width, width);
  const made = [];
  for (let i = 0; i < rows.length - 1; i++) {
    const bottom = Math.max(rows[i] + 1, rows[i + 1]);
    const line = new Uint8Array(columns.length - 1);
    for (let j = 0; j < line.length; j++) {
      const right = Math.max(columns[j] + 1, columns[j + 1]);
      let isNobody = true;
      let isPerson = true;
      for (let y = rows[i]; y < bottom && (isNobody || isPerson); y++) {
        for (let at = y * least.width + columns[j]; at < y * least.width + right; at++) {
          if (most.data[at] > nobody) isNobody = false;
          if (least.data[at] < person) isPerson = false;
        }
      }
      line[j] = isNobody ? NOBODY : isPerson ? PERSON : EDGE;
    }
    made.push(line);
  }
  return made;
}

// Where the tiles of a side begin in a plane that is `small` pixels long, and its end.
function edges(small, side) {
  const made = [];
  for (let at = 0; at < side; at += TILE) made.push(Math.floor((at * small) / side));
  return [...made, small];
}

// Tiles that cover height x width, and what each shows; adjacent tiles of a row that show the same are joined.
export function* runs(kinds, height, width) {
  for (const [i, line] of kinds.entries()) {
    const top = i * TILE;
    const bottom = Math.min(top + TILE, height);
    for (let first = 0; first < line.length; ) {
      let last = first + 1;
      while (last < line.length && line[last] === line[first]) last++;
      yield { top, bottom, left: first * TILE, right: Math.min(last * TILE, width), kind: line[first] };
      first = last;
    }
  }
}
