import { Agent, request } from "undici";
import { guardedLookup, type Reach, refusedLiteral } from "./outbound-guard.ts";

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
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`);
      chunks.push(chunk);
    }
    return { status: reply.statusCode, text: Buffer.concat(chunks).toString("utf8") };
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${timeoutMs} ms`);
    throw error;
  } finally {
    await dispatcher.destroy();
  }
}
