import { Agent, request } from "undici";

const PROBE_TIMEOUT_MS = 10_000;
const BODY_BYTES_MAX = 32 * 1024 * 1024; // 32 MiB; a /metrics of 100,000 series fits

/** What came back, or why nothing did, in the words of the guide's troubleshooting steps. */
export type ProbeResult =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: string;
      readonly contentType: string;
      readonly ms: number;
    }
  | {
      readonly ok: false;
      readonly step: "dns" | "connect" | "tls" | "timeout" | "body";
      readonly message: string;
      readonly ms: number;
    };

export interface ProbeOptions {
  readonly bearer?: string;
  readonly basic?: { readonly user: string; readonly password: string };
  readonly method?: "GET" | "POST";
  readonly timeoutMs?: number;
}

/** Asks one URL once. Never throws: a failure is classified by the step at which it happened. */
export async function probe(url: string, options: ProbeOptions = {}): Promise<ProbeResult> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  const timeout = options.timeoutMs ?? PROBE_TIMEOUT_MS;
  const dispatcher = new Agent({
    connect: { timeout },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: BODY_BYTES_MAX,
  });
  try {
    const reply = await request(url, { method: options.method ?? "GET", headers: credentials(options), dispatcher });
    const body = await reply.body.text();
    return {
      ok: true,
      status: reply.statusCode,
      body,
      contentType: String(reply.headers["content-type"] ?? ""),
      ms: elapsed(),
    };
  } catch (error) {
    return {
      ok: false,
      step: stepOf(error as NodeJS.ErrnoException),
      message: describe(error as NodeJS.ErrnoException),
      ms: elapsed(),
    };
  } finally {
    await dispatcher.destroy();
  }
}

function credentials(options: ProbeOptions): Record<string, string> {
  if (options.bearer !== undefined && options.bearer !== "") return { authorization: `Bearer ${options.bearer}` };
  if (options.basic === undefined) return {};
  return {
    authorization: `Basic ${Buffer.from(`${options.basic.user}:${options.basic.password}`).toString("base64")}`,
  };
}

function stepOf(error: NodeJS.ErrnoException): "dns" | "connect" | "tls" | "timeout" | "body" {
  const code = error.code ?? "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "dns";
  if (code.includes("TIMEOUT") || code === "ETIMEDOUT") return "timeout";
  if (code.startsWith("ERR_TLS") || code.includes("CERT") || code.startsWith("ERR_SSL")) return "tls";
  return code.startsWith("UND_ERR_RES") ? "body" : "connect";
}

function describe(error: NodeJS.ErrnoException): string {
  return error.code === undefined ? error.message : `${error.code}${error.message ? `: ${error.message}` : ""}`;
}

/** `200 in 12 ms`, or the step that failed. */
export function summary(result: ProbeResult): string {
  return result.ok ? `${result.status} in ${result.ms} ms` : `${result.step}: ${result.message}`;
}
