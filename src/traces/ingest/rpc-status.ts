import { ByteWriter } from "../../storage/varint.ts";

/** Codes of google.rpc.Code that a receiver answers with. */
export const RpcCode = {
  InvalidArgument: 3,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  Internal: 13,
  Unavailable: 14,
  Unauthenticated: 16,
} as const;
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

/** google.rpc.Status as protobuf: code, message. */
export function encodeStatus(code: number, message: string): Uint8Array {
  const writer = new ByteWriter(message.length + 16);
  writer.u8(0x08);
  writer.uvarint(code);
  writer.u8(0x12);
  writer.uvarintText(message);
  return writer.copy();
}

/** What an export reported: spans that were not kept, and why in one sentence. */
export interface ExportOutcome {
  readonly rejectedSpans: number;
  readonly errorMessage: string;
}

/** ExportTraceServiceResponse as protobuf; no bytes at all where everything was kept. */
export function encodeExportResponse({ rejectedSpans, errorMessage }: ExportOutcome): Uint8Array {
  if (rejectedSpans === 0) return new Uint8Array(0);
  const partial = new ByteWriter(errorMessage.length + 16);
  partial.u8(0x08);
  partial.uvarint(rejectedSpans);
  partial.u8(0x12);
  partial.uvarintText(errorMessage);
  const writer = new ByteWriter(partial.length + 8);
  writer.u8(0x0a);
  writer.uvarint(partial.length);
  writer.bytes(partial.view());
  return writer.copy();
}

/** The same as OTLP/JSON. */
export function exportResponseJson({ rejectedSpans, errorMessage }: ExportOutcome): object {
  if (rejectedSpans === 0) return { partialSuccess: {} };
  return { partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } };
}
