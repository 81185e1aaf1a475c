import { ByteWriter } from "../../src/storage/varint.ts";

/** Fields of Prometheus' prompb/types.proto, Histogram and BucketSpan. */
const FIELD = { countInt: 1, sum: 3, schema: 4, zeroThreshold: 5, zeroCountInt: 6, positiveSpans: 11 } as const;
const FIELD_POSITIVE_DELTAS = 12;
const FIELD_TIMESTAMP = 15;

type Write = (writer: ByteWriter) => void;

/**
 * A remote write request (not yet compressed) with two native histograms of integers of the series `integers`: kinds of
 * samples and chunks that we read and never write.
 */
export function integerHistogramRequest(timestampMs: number): Uint8Array {
  const request = new ByteWriter();
  message(request, 1, (series) => {
    message(series, 1, (label) => {
      text(label, 1, "__name__");
      text(label, 2, "integers");
    });
    message(series, 4, histogram(timestampMs - 1, 7, 12.5, [3, -2, 0]));
    message(series, 4, histogram(timestampMs, 8, 13.5, [3, -1, -1]));
  });
  return request.copy();
}

function histogram(timestampMs: number, count: number, sum: number, deltas: readonly number[]): Write {
  return (writer) => {
    integer(writer, FIELD.countInt, count);
    double(writer, FIELD.sum, sum);
    integer(writer, FIELD.schema, zigzag(1));
    double(writer, FIELD.zeroThreshold, 0.001);
    integer(writer, FIELD.zeroCountInt, 2);
    message(writer, FIELD.positiveSpans, (span) => {
      integer(span, 1, zigzag(-1));
      integer(span, 2, 3);
    });
    message(writer, FIELD_POSITIVE_DELTAS, (packed) => {
      for (const delta of deltas) packed.uvarint(zigzag(delta));
    });
    integer(writer, FIELD_TIMESTAMP, timestampMs);
  };
}

function message(writer: ByteWriter, field: number, write: Write): void {
  const inner = new ByteWriter();
  write(inner);
  writer.uvarint(field * 8 + 2);
  writer.uvarint(inner.length);
  writer.bytes(inner.view());
}

function text(writer: ByteWriter, field: number, value: string): void {
  writer.uvarint(field * 8 + 2);
  writer.uvarintText(value);
}

function integer(writer: ByteWriter, field: number, value: number): void {
  writer.uvarint(field * 8);
  writer.uvarint(value);
}

function double(writer: ByteWriter, field: number, value: number): void {
  writer.uvarint(field * 8 + 1);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  writer.bytes(bytes);
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}
