import { type Dispatcher, request } from "undici";
import { parseJson } from "../../runtime/body.ts";
import { readText } from "../../runtime/read-text.ts";
import type { Payload } from "./metrics.ts";

/** A health service's answer is a few kilobytes; more is not read. */
const ANSWER_BYTES_MAX = 1024 * 1024; // 1 MiB

export interface HealthAddress {
  /** Without credentials and without a slash at the end; safe to log. */
  readonly url: string;
  /** Value of `Authorization`, when the address carried user and password. */
  readonly authorization: string | undefined;
}

/** Splits credentials off an address, so that they reach neither logs nor errors. */
export function parseAddress(text: string): HealthAddress {
  const url = new URL(text);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = username === "" && password === "" ? undefined : basic(credentials);
  return { url: url.toString().replace(/\/+$/, ""), authorization };
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/**
 * GETs one JSON object. 503 counts as an answer: the degraded shapes come with it.
 * @throws Error with the reason: network, timeout, status, or not a JSON object.
 */
export async function fetchJson(
  address: HealthAddress,
  path: string,
  timeoutMs: number,
  dispatcher: Dispatcher,
): Promise<{ status: number; payload: Payload }> {
  const reply = await request(`${address.url}${path}`, {
    dispatcher,
    headers: address.authorization === undefined ? {} : { authorization: address.authorization },
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { statusCode } = reply;
  const text = await readText(reply.body, ANSWER_BYTES_MAX);
  if (statusCode !== 503 && (statusCode < 200 || statusCode >= 300)) throw new Error(`${path} answered ${statusCode}`);
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${path} answered no JSON object`);
  }
  return { status: statusCode, payload: value as Payload };
}
