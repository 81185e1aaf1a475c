import { Agent, request } from "undici";
import { guardedLookup, type Reach, refusedLiteral } from "./outbound-guard.ts";
import { readText } from "./read-text.ts";

export interface GuardedRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Longest answer that is taken. */
  readonly bytesMax: number;
  readonly reach: Reach;
}

/**
 * One small request outside the hot path, to an address that somebody configured. Redirects are not followed.
 * @throws Error whose text names no address: refused, unreachable, too slow, too long.
 */
export async function guardedFetch(url: string, options: GuardedRequest): Promise<{ status: number; text: string }> {
  const { method = "GET", headers = {}, body, timeoutMs, bytesMax, reach } = options;
  const refused = refusedLiteral(new URL(url).hostname, reach);
  if (refused !== undefined) throw refused;
  const dispatcher = new Agent({ connect: { lookup: guardedLookup(reach), timeout: timeoutMs } });
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await request(url, { dispatcher, method, headers, signal, ...(body === undefined ? {} : { body }) });
    return { status: reply.statusCode, text: await readText(reply.body, bytesMax) };
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${timeoutMs} ms`);
    throw error;
  } finally {
    await dispatcher.destroy();
  }
}
