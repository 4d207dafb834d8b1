// Resizing pixel data as src/standout/masks/letterbox.py does it with OpenCV: averaged where a picture shrinks,
// interpolated linearly where it grows. A canvas is not used for it, since each browser scales in its own way.
//
//   plane   {width, height, channels, data}   interleaved; data is a Float32Array, or a Uint8ClampedArray, whose
//                                              results are rounded half to even on being stored, as in OpenCV

// A plane of zeros of the same kind of numbers as the given data.
export function plane(width, height, channels, data) {
  const Kind = data ? data.constructor : Float32Array;
  return { width, height, channels, data: new Kind(width * height * channels) };
}

// Python's and OpenCV's rounding: half to even.
export function roundEven(value) {
  const low = Math.floor(value);
  const part = value - low;
  return part < 0.5 || (part === 0.5 && low % 2 === 0) ? low : low + 1;
}

// The picture at that size. A picture of that size already is returned itself.
export function resize(image, height, width) {
  const { width: wide, height: tall } = image;
  if (tall === height && wide === width) return image;
  if (height > tall || width > wide) return linear(image, height, width);
  let cell = 1;
  while (tall >= 2 * cell * height && wide >= 2 * cell * width) cell *= 2;
  const small = cells(image, cell);
  if (tall === cell * height && wide === cell * width) return small;
  return area(small, height, width, tall / (cell * height), wide / (cell * width));
}

// The picture with its sides halved so many times, rounded up.
export function halved(image, times) {
  return resize(image, Math.ceil(image.height / 2 ** times), Math.ceil(image.width / 2 ** times));
}

// The picture scaled down to at most `side` pixels on its longer side.
export function shrunk(image, side) {
  const scale = Math.min(1, side / Math.max(image.width, image.height));
  return resize(image, Math.max(1, roundEven(image.height * scale)), Math.max(1, roundEven(image.width * scale)));
}

// How many halvings bring a ratio to 1 or below.
export function halvings(ratio) {
  return Math.max(0, Math.ceil(Math.log2(ratio)));
}

// Rows of a small picture enlarged (or merely resampled) linearly to height x width, computed where they are asked for.
// row(y, first, last, out): fills out from its beginning with the pixels first..last of row y.
export function sampler(small, height, width) {
  const { channels } = small;
  const data = small.data instanceof Float32Array ? small.data : Float32Array.from(small.data); // of one kind: faster
  const across = taps(small.width, width);
  const down = taps(small.height, height);
  const above = new Float32Array(small.width * channels);
  return (y, first, last, out) => {
    const from = across.low[first];
    const to = across.high[last - 1];
    const one = down.low[y] * small.width * channels;
    const two = down.high[y] * small.width * channels;
    const part = down.part[y];
    for (let i = from * channels; i < (to + 1) * channels; i++) {
      above[i] = data[one + i] + part * (data[two + i] - data[one + i]);
    }
    let at = 0;
    if (channels === 4) {
      for (let x = first; x < last; x++, at += 4) {
        const a = 4 * across.low[x];
        const b = 4 * across.high[x];
        const share = across.part[x];
        out[at] = above[a] + share * (above[b] - above[a]);
        out[at + 1] = above[a + 1] + share * (above[b + 1] - above[a + 1]);
        out[at + 2] = above[a + 2] + share * (above[b + 2] - above[a + 2]);
        out[at + 3] = above[a + 3] + share * (above[b + 3] - above[a + 3]);
      }
      return;
    }
    for (let x = first; x < last; x++) {
      const a = across.low[x] * channels;
      const b = across.high[x] * channels;
      const share = across.part[x];
      for (let c = 0; c < channels; c++) out[at++] = above[a + c] + share * (above[b + c] - above[a + c]);
    }
  };
}

// Between which two pixels of a side each pixel of the resampled side lies, and how near the second.
function taps(from, to) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const part = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    low[i] = Math.floor(at);
    high[i] = Math.min(low[i] + 1, from - 1);
    part[i] = at - low[i];
  }
  return { low, high, part };
}

function linear(image, height, width) {
  const made = plane(width, height, image.channels, image.data);
  const row = sampler(image, height, width);
  const long = width * image.channels;
  const line = new Float32Array(long);
  for (let y = 0; y < height; y++) {
    row(y, 0, width, line);
    made.data.set(line, y * long);
  }
  return made;
}

// The means of square cells; the last row and column of cells may be narrower. cell: the side, a power of 2.
function cells(image, cell) {
  if (cell === 1) return image;
  const { width, height, channels, data } = image;
  const tall = Math.floor(height / cell);
  const wide = Math.floor(width / cell);
  let whole = image;
  for (let side = cell; side > 1; side /= 2) whole = half(whole, (tall * side) / 2, (wide * side) / 2);
  const rows = Math.ceil(height / cell);
  const columns = Math.ceil(width / cell);
  if (rows === tall && columns === wide) return whole;
  const made = plane(columns, rows, channels, data);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const to = (y * columns + x) * channels;
      if (y < tall && x < wide) {
        const from = (y * wide + x) * channels;
        for (let c = 0; c < channels; c++) made.data[to + c] = whole.data[from + c];
      } else {
        meanOf(image, y * cell, x * cell, cell, made.data, to);
      }
    }
  }
  return made;
}

// The means of 2x2 pixels of the picture's top left part. Bytes and numbers have a loop each, as engines make functions
// fast for one kind of array.
function half(image, height, width) {
  const made = plane(width, height, image.channels, image.data);
  const fill = image.data instanceof Float32Array ? halfOfNumbers : halfOfBytes;
  fill(image.data, image.width * image.channels, image.channels, made);
  return made;
}

function halfOfBytes(data, below, channels, { width, height, data: out }) {
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = 2 * y * below; x < width; x++, from += 2 * channels) {
      for (let c = from; c < from + channels; c++, to++) {
        out[to] = (data[c] + data[c + channels] + data[c + below] + data[c + below + channels] + 2) >> 2;
      }
    }
  }
}

function halfOfNumbers(data, below, channels, { width, height, data: out }) {
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = 2 * y * below; x < width; x++, from += 2 * channels) {
      for (let c = from; c < from + channels; c++, to++) {
        out[to] = 0.25 * (data[c] + data[c + channels] + data[c + below] + data[c + below + channels]);
      }
    }
  }
}

function meanOf(image, top, left, cell, out, to) {
  const { width, height, channels, data } = image;
  const bottom = Math.min(top + cell, height);
  const right = Math.min(left + cell, width);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[(y * width + x) * channels + c];
    out[to + c] = sum / ((bottom - top) * (right - left));
  }
}

// Averages over rectangles of scaleY x scaleX pixels, of which the outermost count in part (OpenCV's INTER_AREA).
function area(image, height, width, scaleY, scaleX) {
  const { width: wide, channels, data } = image;
  if (roundEven(image.height / scaleY) === image.height && roundEven(image.width / scaleX) === image.width) {
    return cropped(image, height, width); // a factor so near 1 that OpenCV copies
  }
  const made = plane(width, height, channels, data);
  const long = wide * channels;
  const row = (y) => data.subarray(y * long, (y + 1) * long);
  averagedRows(image, row, { height, width, scaleY, scaleX }, (y, line) => made.data.set(line, y * width * channels));
  return made;
}

// The same averages, as numbers that are not rounded, of rows that a function gives: row(y) -> width * channels numbers.
export function averaged(size, row, to) {
  const made = plane(to.width, to.height, size.channels);
  averagedRows(size, row, to, (y, line) => made.data.set(line, y * line.length));
  return made;
}

// Calls put(y, line) with each averaged row. to: {height, width}, and the scales where they are not the ratios of sides.
function averagedRows({ width: wide, height: tall, channels }, row, to, put) {
  const { height, width, scaleY = tall / height, scaleX = wide / width } = to;
  const across = spans(wide, width, scaleX);
  const down = spans(tall, height, scaleY);
  const line = new Float32Array(width * channels);
  const sums = new Float32Array(width * channels);
  let known = -1; // the row that line holds
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let j = down.begin[y]; j < down.begin[y + 1]; j++) {
      if (down.pixel[j] !== known) {
        known = down.pixel[j];
        narrow(row(known), across, channels, line);
      }
      const weight = down.weight[j];
      for (let i = 0; i < line.length; i++) sums[i] += weight * line[i];
    }
    put(y, sums);
  }
}

// A row averaged over the spans. The common case of four channels is written out, which makes it three times as fast.
function narrow(from, { begin, pixel, weight }, channels, line) {
  if (channels !== 4) {
    line.fill(0);
    for (let x = 0; x < begin.length - 1; x++) {
      for (let i = begin[x]; i < begin[x + 1]; i++) {
        const at = pixel[i] * channels;
        for (let c = 0; c < channels; c++) line[x * channels + c] += weight[i] * from[at + c];
      }
    }
    return;
  }
  for (let x = 0; x < begin.length - 1; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let alpha = 0;
    for (let i = begin[x]; i < begin[x + 1]; i++) {
      const share = weight[i];
      const at = 4 * pixel[i];
      red += share * from[at];
      green += share * from[at + 1];
      blue += share * from[at + 2];
      alpha += share * from[at + 3];
    }
    line[4 * x] = red;
    line[4 * x + 1] = green;
    line[4 * x + 2] = blue;
    line[4 * x + 3] = alpha;
  }
}

// A part of the picture.
export function cropped(image, height, width, top = 0, left = 0) {
  if (image.height === height && image.width === width) return image;
  const made = plane(width, height, image.channels, image.data);
  const long = width * image.channels;
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * image.channels;
    made.data.set(image.data.subarray(from, from + long), y * long);
  }
  return made;
}

// The pixels of a side that each pixel of the smaller side covers, and their weights, which add up to 1.
function spans(from, to, scale) {
  const begin = new Int32Array(to + 1);
  const pixel = [];
  const weight = [];
  for (let i = 0; i < to; i++) {
    const low = i * scale;
    const high = low + scale;
    const cover = Math.min(scale, from - low);
    const last = Math.min(Math.floor(high), from - 1);
    const first = Math.min(Math.ceil(low), last);
    const add = (at, part) => {
      pixel.push(at);
      weight.push(part / cover);
    };
    if (first - low > 1e-3) add(first - 1, first - low);
    for (let at = first; at < last; at++) add(at, 1);
    if (high - last > 1e-3) add(last, Math.min(high - last, 1, cover));
    begin[i + 1] = pixel.length;
  }
  return { begin, pixel: Int32Array.from(pixel), weight: Float32Array.from(weight) };
}
