/** An answer may take as long as a report over 400 days does. */
const TIMEOUT_MS = 30_000;

/** The gateway answered, and said no. `message` is its own sentence. */
export class AdminRefused extends Error {
  override readonly name = "AdminRefused";
}

/** Nothing, or something else than a gateway, answers at the address. */
export class GatewayUnreachable extends Error {
  override readonly name = "GatewayUnreachable";
}

/** The admin API of a gateway, over HTTP. */
export class AdminApi {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
  }

  /** The JSON of a reply. @throws AdminRefused, GatewayUnreachable. */
  async json(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await this.text(method, path, body);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new GatewayUnreachable(`${this.#url} answered no JSON; is it a gateway?`);
    }
  }

  /** @throws AdminRefused, GatewayUnreachable. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: "error",
      });
      text = await response.text();
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      const reason = cause?.code ?? cause?.message ?? message;
      throw new GatewayUnreachable(
        `no gateway answers at ${this.#url} (${reason}); start it, or name it with --gateway`,
      );
    }
    if (response.ok) return text;
    throw new AdminRefused(sentenceOf(text) ?? `${this.#url} answered ${response.status}`);
  }
}

/** The message of an error body in OpenAI's shape. */
function sentenceOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === "string" ? error.message : undefined;
  } catch {
    return undefined; // Not the gateway's own words; the status says enough.
  }
}
