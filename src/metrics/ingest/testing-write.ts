/** Writes prompb messages for tests, field by field. Source: prompb/types.proto. */
export function bytesField(field: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as Uint8Array);
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

export function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function doubleField(field: number, value: number | Buffer): Buffer {
  const bytes = Buffer.alloc(8);
  if (typeof value === "number") bytes.writeDoubleLE(value);
  else value.copy(bytes);
  return Buffer.concat([varint(field * 8 + 1), bytes]);
}

export function zigzagField(field: number, value: number): Buffer {
  return varintField(field, value < 0 ? -2 * value - 1 : 2 * value);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** The eight bytes of Prometheus' staleness marker. */
export const STALE_BYTES = Buffer.from([0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f]);

interface SeriesToWrite {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples?: readonly (readonly [number | Buffer, number])[];
  readonly exemplars?: readonly {
    labels: readonly (readonly [string, string])[];
    value: number;
    timestampMs: number;
  }[];
  readonly histograms?: readonly Buffer[];
}

/** A prompb.WriteRequest, not compressed. */
export function writeRequest(list: readonly SeriesToWrite[], metadata: readonly Buffer[] = []): Buffer {
  const series = list.map(({ labels, samples = [], exemplars = [], histograms = [] }) =>
    bytesField(
      1,
      Buffer.concat([
        ...labels.map(labelField),
        ...samples.map(([value, timestampMs]) =>
          bytesField(2, Buffer.concat([doubleField(1, value), varintField(2, timestampMs)])),
        ),
        ...exemplars.map((exemplar) =>
          bytesField(
            3,
            Buffer.concat([
              ...exemplar.labels.map(labelField),
              doubleField(2, exemplar.value),
              varintField(3, exemplar.timestampMs),
            ]),
          ),
        ),
        ...histograms.map((histogram) => bytesField(4, histogram)),
      ]),
    ),
  );
  return Buffer.concat([...series, ...metadata.map((entry) => bytesField(3, entry))]);
}

function labelField([name, value]: readonly [string, string]): Buffer {
  return bytesField(1, Buffer.concat([bytesField(1, name), bytesField(2, value)]));
}
