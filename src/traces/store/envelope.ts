import { ByteWriter } from "../../storage/varint.ts";
import type { ByteRange } from "../ingest/otlp-reader.ts";

/** Tags of fields 1 (resource, scope), 2 (scope_spans, spans) and 3 (schema_url), all length-delimited. */
export const EnvelopeTag = { Message: 0x0a, Children: 0x12, SchemaUrl: 0x1a } as const;

/**
 * A ResourceSpans without scopes (or a ScopeSpans without spans) as its own message: what is shared by many spans is
 * kept once, and an answer is these bytes followed by the children.
 */
export function envelopeOf(bytes: Uint8Array, message: ByteRange, schemaUrl: ByteRange): Uint8Array {
  const writer = new ByteWriter(message.end - message.start + 16);
  if (message.end > 0) writeField(writer, EnvelopeTag.Message, bytes.subarray(message.start, message.end));
  if (schemaUrl.end > schemaUrl.start) {
    writeField(writer, EnvelopeTag.SchemaUrl, bytes.subarray(schemaUrl.start, schemaUrl.end));
  }
  return writer.copy();
}

export function writeField(writer: ByteWriter, tag: number, content: Uint8Array): void {
  writer.u8(tag);
  writer.uvarint(content.length);
  writer.bytes(content);
}
