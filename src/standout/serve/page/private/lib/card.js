// The model card that standout writes into every ONNX file: what the network expects of its input.

const KEY = "standout.card";
const METADATA = 14; // the field of ONNX's ModelProto that holds pairs of key (1) and value (2)

// The card in the bytes of an ONNX file: {name, version, size: [long, short], second_look, threshold, ...}.
export function cardOf(bytes, where) {
  for (const [field, value] of messageFields(bytes)) {
    if (field !== METADATA) continue;
    const pair = new Map(messageFields(value));
    const text = new TextDecoder();
    if (pair.has(1) && text.decode(pair.get(1)) === KEY) return JSON.parse(text.decode(pair.get(2)));
  }
  throw new Error(`${where} holds no standout model card; export it with standout's own exporter`);
}

// The fields of a protobuf message that hold bytes, as [number, bytes]; numbers are skipped.
function* messageFields(bytes) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= bytes.length) throw new Error("the model file ends early; get the file again");
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const kind = tag % 8;
    if (kind === 0) number();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = number();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else {
      throw new Error("the model file is damaged; get the file again");
    }
  }
}
