import type { RawRange } from "../time/range.ts";

/** Addresses of Explore that stay valid: the page reads nothing but these parameters. */

/** A query in Explore. */
export function exploreUrl(sourceUid: string, query: string, range?: RawRange): string {
  const params = new URLSearchParams({ ds: sourceUid, query });
  if (range !== undefined) {
    params.set("from", range.from);
    params.set("to", range.to);
  }
  return `/explore?${params}`;
}

/** One trace, optionally with a span chosen. */
export function traceUrl(sourceUid: string, traceId: string, spanId?: string): string {
  const params = new URLSearchParams({ ds: sourceUid, traceId });
  if (spanId !== undefined) params.set("spanId", spanId);
  return `/explore?${params}`;
}

/** A text inside a LogQL string literal. */
function quoteLogQl(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** How long before and after a trace its log lines may lie, in ms: clocks differ, and lines are written at the end. */
const LOGS_MARGIN_MS = 5 * 60_000;

/** The log lines that carry a trace id. The selector must match something, and every stream of ours has an `app`. */
export function traceLogsUrl(sourceUid: string, traceId: string, startMs: number, endMs: number): string {
  const range = { from: String(Math.floor(startMs - LOGS_MARGIN_MS)), to: String(Math.ceil(endMs + LOGS_MARGIN_MS)) };
  return exploreUrl(sourceUid, `{app=~".+"} |= ${quoteLogQl(traceId)}`, range);
}
