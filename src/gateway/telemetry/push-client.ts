import { Agent, request } from "undici";
import { RefusedError } from "./push-queue.ts";

const CONNECT_TIMEOUT_MS = 2_000;
const PUSH_TIMEOUT_MS = 5_000;
/** Answers are read for their text only up to this; the rest is thrown away. */
const ANSWER_BYTES_MAX = 4_096;

/** Connections to the peers of telemetry; closed with it. */
export class PushClient {
  readonly #agent = new Agent({ connections: 4, connect: { timeout: CONNECT_TIMEOUT_MS } });

  /**
   * POSTs one batch.
   * @throws RefusedError for 4xx but 429; Error for everything else that is no 2xx, and for network failures.
   */
  async post(url: string, contentType: string, body: string | Buffer, bearer: string | undefined): Promise<void> {
    const reply = await request(url, {
      method: "POST",
      dispatcher: this.#agent,
      headers: {
        "content-type": contentType,
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      body,
      headersTimeout: PUSH_TIMEOUT_MS,
      bodyTimeout: PUSH_TIMEOUT_MS,
    });
    await reply.body.dump({ limit: ANSWER_BYTES_MAX });
    const { statusCode } = reply;
    if (statusCode >= 200 && statusCode < 300) return;
    const message = `peer answered ${statusCode}`;
    if (statusCode >= 400 && statusCode < 500 && statusCode !== 429) throw new RefusedError(message);
    throw new Error(message);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
