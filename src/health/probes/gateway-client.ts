import { Agent, request } from "undici";
import { parseJson } from "../../runtime/body.ts";
import { readText } from "../../runtime/read-text.ts";
import type { Check, Target } from "../check.ts";
import { ANSWER_BYTES_MAX, ERROR_CHARS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { isName, storedText } from "../text.ts";
import { PROBE_HEADER, probeRequest } from "./probe-request.ts";
import { probeStatus } from "./result-mapping.ts";
import { TIERS } from "./tiers.ts";

const CATALOGUE_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** A model of one provider; `modelKind` is `chat`, `embedding` and so on. */
export interface ListedTarget extends Target {
  readonly modelKind: string;
}

/** What the gateway serves. */
export interface Catalogue {
  /** One per model and provider, with what the model is for. */
  readonly targets: readonly ListedTarget[];
  /** Providers with a model of any kind. */
  readonly providers: ReadonlySet<string>;
}

/** The gateway could not be asked at all; this says nothing about any model. */
export class GatewayUnreachable extends Error {
  override readonly name = "GatewayUnreachable";
}

/** Asks the gateway through its public API: what it serves, and whether a model answers. */
export class GatewayClient {
  readonly #url: string;
  readonly #key: string;
  readonly #agent = new Agent({ connections: 32, connect: { timeout: CONNECT_TIMEOUT_MS } });

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** @throws GatewayUnreachable with the reason: network, status, or an answer that is no model list. */
  async catalogue(): Promise<Catalogue> {
    // As a probe: models that clients are not offered any more are watched on, so that they can come back.
    const headers = { authorization: `Bearer ${this.#key}`, [PROBE_HEADER]: "1" };
    const { status, text } = await this.#ask("GET", "/v1/models", undefined, headers, CATALOGUE_TIMEOUT_MS);
    if (status !== 200) throw new GatewayUnreachable(`GET /v1/models answered ${status}`);
    const list = parseObject(text);
    return { targets: targetsOf(list), providers: new Set((list["data"] as unknown[]).flatMap(providersOf)) };
  }

  /**
   * Sends one short question to the model. Undefined when the answer says nothing about it (the gateway was busy).
   * @throws GatewayUnreachable when the gateway could not be asked.
   */
  async probe(state: ModelState, nowMs: () => number = Date.now): Promise<Check | undefined> {
    const { provider, model, gateway } = state;
    const { probeTimeoutMs } = TIERS[state.tier];
    const { path, headers, body } = probeRequest(state, state.tier, this.#key);
    const beganMs = performance.now();
    const result = (
      status: Check["status"],
      responseTimeMs: number,
      error: string | undefined,
      tokens: number,
    ): Check => ({ provider, model, gateway, status, responseTimeMs, error, tokens, atMs: nowMs(), kind: "probe" });
    try {
      const answer = await this.#ask("POST", path, JSON.stringify(body), headers, probeTimeoutMs);
      const responseTimeMs = performance.now() - beganMs;
      const { code, message, tokens } = summaryOf(answer.text);
      const status = probeStatus(answer.status, code, message);
      if (status === undefined) return undefined;
      const error = status === "success" ? undefined : storedText(`${answer.status}: ${message}`);
      return result(status, responseTimeMs, error, tokens);
    } catch (error) {
      if (error instanceof GatewayUnreachable && error.cause === "timeout") {
        return result("timeout", probeTimeoutMs, `no answer within ${probeTimeoutMs / 1_000} s`, 0);
      }
      throw error;
    }
  }

  async #ask(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<{ status: number; text: string }> {
    try {
      const reply = await request(`${this.#url}${path}`, {
        method,
        body,
        dispatcher: this.#agent,
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: reply.statusCode, text: await readText(reply.body, ANSWER_BYTES_MAX) };
    } catch (error) {
      const { name, message, code } = error as Error & { code?: string };
      const timedOut = name === "TimeoutError" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT";
      throw new GatewayUnreachable(message || code || name, { cause: timedOut ? "timeout" : "network" });
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Json {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new GatewayUnreachable(`GET /v1/models: ${(error as Error).message}`);
  }
  if (!isJson(value) || !Array.isArray(value["data"])) {
    throw new GatewayUnreachable("GET /v1/models answered no model list");
  }
  return value;
}

/** One target per model and provider; the provider is where the model is asked for, so it is its gateway too. */
export function targetsOf(list: Json): ListedTarget[] {
  const targets: ListedTarget[] = [];
  for (const entry of list["data"] as unknown[]) {
    if (!isJson(entry) || !isName(entry["id"])) continue;
    const modelKind = isName(entry["kind"]) ? entry["kind"] : "chat";
    for (const provider of providersOf(entry))
      targets.push({ provider, model: entry["id"], gateway: provider, modelKind });
  }
  return targets;
}

function providersOf(entry: unknown): string[] {
  if (!isJson(entry)) return [];
  const listed = Array.isArray(entry["providers"]) ? entry["providers"].filter(isName) : [];
  if (listed.length > 0) return listed;
  const single = entry["provider"] ?? entry["owned_by"];
  return isName(single) ? [single] : [];
}

/** The parts of a chat completion or error body that a check keeps. */
function summaryOf(text: string): { code: string | undefined; message: string; tokens: number } {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch {
    // An error page of something in front of the gateway; its status says enough.
    return { code: undefined, message: text.slice(0, ERROR_CHARS_MAX), tokens: 0 };
  }
  const error = isJson(body) && isJson(body["error"]) ? body["error"] : {};
  const usage = isJson(body) && isJson(body["usage"]) ? body["usage"] : {};
  const amount = (name: string): number => (typeof usage[name] === "number" ? usage[name] : 0);
  const code = error["gateway_code"] ?? error["code"];
  return {
    code: typeof code === "string" ? code : undefined,
    message: typeof error["message"] === "string" ? error["message"] : "",
    tokens: amount("total_tokens") || amount("input_tokens") + amount("output_tokens"),
  };
}
