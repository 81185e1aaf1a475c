import type { RequestRecord } from "../request-record.ts";

const CLOSING_BRACE = 0x7d;

/**
 * Adds `gateway_usage` (contract 6b) to a chat completion by writing before its last brace, so that every byte of the
 * provider's stays as it was.
 * @param bytes A JSON object with at least one member.
 */
export function withGatewayUsage(bytes: Buffer, provider: string, record: RequestRecord, nowMs: number): Buffer {
  const { cost } = record;
  const usage = {
    provider,
    cost_usd: sixDecimals(cost?.totalUsd ?? 0),
    input_cost_usd: sixDecimals(cost?.inputUsd ?? 0),
    output_cost_usd: sixDecimals(cost?.outputUsd ?? 0),
    processing_time_ms: Math.round(nowMs - record.startedAtMs),
  };
  const end = bytes.lastIndexOf(CLOSING_BRACE);
  return Buffer.concat([bytes.subarray(0, end), Buffer.from(`,"gateway_usage":${JSON.stringify(usage)}}`)]);
}

function sixDecimals(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
