import {
  type AttributeCursor,
  binaryKey,
  newAttributeCursor,
  readAttribute,
  type SpanCursor,
  ValueType,
} from "../ingest/otlp-reader.ts";
import { LABEL_VALUE_LENGTH_MAX } from "./limits.ts";

export const SpanKind = { Internal: 1, Server: 2, Client: 3, Producer: 4, Consumer: 5 } as const;
const KIND_NAMES = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS_NAMES = ["UNSET", "OK", "ERROR"];

/** Attributes that generator and service graph look at, those of the resource included. */
export type AttributeTexts = ReadonlyMap<string, string>;

export function kindName(kind: number): string {
  return `SPAN_KIND_${KIND_NAMES[kind] ?? KIND_NAMES[0]}`;
}

export function statusName(code: number): string {
  return `STATUS_CODE_${STATUS_NAMES[code] ?? STATUS_NAMES[0]}`;
}

/** An attribute as a label value: numbers and booleans as text, arrays and maps not at all. */
export function labelText({ type, text, number }: AttributeCursor): string | undefined {
  switch (type) {
    case ValueType.String:
      return text.slice(0, LABEL_VALUE_LENGTH_MAX);
    case ValueType.Int:
    case ValueType.Float:
      return String(number);
    case ValueType.Bool:
      return number === 1 ? "true" : "false";
    default:
      return undefined;
  }
}

const attribute = newAttributeCursor();

/** The span's own attributes among `wanted`. */
export function readWanted(span: SpanCursor, wanted: ReadonlySet<string>): AttributeTexts {
  const found = new Map<string, string>();
  const { attributes, bytes } = span;
  for (let index = 0; index < attributes.length; index += 2) {
    readAttribute(bytes, attributes[index]!, attributes[index + 1]!, attribute);
    if (!wanted.has(attribute.key)) continue;
    const text = labelText(attribute);
    if (text !== undefined) found.set(attribute.key, text);
  }
  return found;
}

export function traceIdHex(span: SpanCursor): string {
  return Buffer.from(span.bytes.buffer, span.bytes.byteOffset + span.traceIdAt, 16).toString("hex");
}

/** Key of a client span, and of the server span that names it as parent. */
export function edgeKey(span: SpanCursor, idAt: number): string {
  return `${binaryKey(span.bytes, span.traceIdAt, span.traceIdAt + 16)}${binaryKey(span.bytes, idAt, idAt + 8)}`;
}

/** End of the span, Unix ms. */
export function endMs(span: SpanCursor): number {
  return (span.endHigh * 4_294_967_296 + span.endLow) / 1e6;
}
