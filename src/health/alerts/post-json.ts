import { Agent, request } from "undici";
import { guardedLookup, OUTBOUND_REFUSED, type Reach, refusedLiteral } from "../../runtime/outbound-guard.ts";
import { DeliveryError } from "./channel.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Longest that another side's `Retry-After` is followed. */
const RETRY_AFTER_MS_MAX = 5 * 60_000;

/** Posts JSON to one address that is a secret: it appears in no error. Redirects are not followed. */
export class JsonPoster {
  readonly #url: URL;
  readonly #reach: Reach;
  readonly #agent: Agent;

  constructor(url: string, reach: Reach) {
    this.#url = new URL(url);
    this.#reach = reach;
    this.#agent = new Agent({
      connections: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup(reach) },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
  }

  /** @throws DeliveryError unless the answer is 2xx. */
  async post(body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const refused = refusedLiteral(this.#url.hostname, this.#reach);
    if (refused !== undefined) throw new DeliveryError(refusedText, false);
    let reply: Awaited<ReturnType<typeof request>>;
    try {
      reply = await request(this.#url, {
        method: "POST",
        body,
        dispatcher: this.#agent,
        headers: { "content-type": "application/json", "user-agent": "gatewayz-health", ...headers },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await reply.body.dump({ limit: 64 * 1024 });
    } catch (error) {
      const { code, name } = error as Error & { code?: string };
      if (code === OUTBOUND_REFUSED) throw new DeliveryError(refusedText, false);
      // Messages of sockets name the host.
      throw new DeliveryError(code ?? name, true);
    }
    const { statusCode } = reply;
    if (statusCode >= 200 && statusCode < 300) return;
    const retryable = statusCode === 408 || statusCode === 429 || statusCode >= 500;
    throw new DeliveryError(`answered ${statusCode}`, retryable, retryAfterMs(reply.headers["retry-after"]));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

const refusedText =
  "its address is private; set health.alerts.allowPrivateAddresses where that is meant (link-local addresses are never called)";

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) ? Math.min(seconds * 1_000, RETRY_AFTER_MS_MAX) : undefined;
}
