import { existsSync, readFileSync } from "node:fs";
import type { AuthClient } from "google-auth-library";
import { commonJs } from "../../../../runtime/commonjs.ts";
import { guardedFetch } from "../../../../runtime/guarded-fetch.ts";
import { type JsonObject, parseObject, stringAt } from "../../../json.ts";
import type { Credential } from "../../credential.ts";
import { UpstreamError } from "../../upstream-error.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** A token service that is slower than this has failed. */
const TOKEN_MS = 10_000;
const TOKEN_BYTES_MAX = 64 * 1024; // 64 KiB
/** Where the library always asks; the account may name another (`token_uri`). */
const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";

interface Account {
  /** The JSON of a service account (or of another kind of Google credential); undefined for an API key. */
  readonly json: JsonObject | undefined;
  client: Promise<AuthClient> | undefined;
}

/** Parsed once per secret and kept as long as its credential: its client holds the token and fetches the next. */
const accounts = new WeakMap<Credential, Account>();

/**
 * What a credential is: JSON, the path of a file with it, or an API key.
 * @throws UpstreamError when the file is not there or no JSON.
 */
function accountOf(credential: Credential): Account {
  let account = accounts.get(credential);
  if (account === undefined) {
    account = { json: readAccount(credential.secret ?? ""), client: undefined };
    accounts.set(credential, account);
  }
  return account;
}

function readAccount(secret: string): JsonObject | undefined {
  if (secret.trimStart().startsWith("{")) return parsed(secret);
  if (!/[/\\]|\.json$/.test(secret)) return undefined;
  if (!existsSync(secret)) throw new UpstreamError("credentials", "its credentials file does not exist");
  return parsed(readFileSync(secret, "utf8"));
}

function parsed(text: string): JsonObject {
  const json = parseObject(text);
  if (json === undefined) throw new UpstreamError("credentials", "its credentials are no JSON object");
  return json;
}

/** The project that the account belongs to. */
export function projectOf(credential: Credential | undefined): string | undefined {
  const json = credential && accountOf(credential).json;
  return json && (stringAt(json, "project_id") ?? stringAt(json, "quota_project_id"));
}

/**
 * Headers with an access token, from memory while it is valid.
 * @throws UpstreamError `credentials` when none can be had.
 */
export async function googleAuthorization(credential: Credential): Promise<Record<string, string>> {
  const account = accountOf(credential);
  if (account.json === undefined) return { "x-goog-api-key": credential.secret ?? "" };
  let timer: NodeJS.Timeout | undefined;
  try {
    account.client ??= openClient(account.json);
    const client = await account.client;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no token within ${TOKEN_MS} ms`)), TOKEN_MS);
    });
    const { token } = await Promise.race([client.getAccessToken(), late]);
    if (!token) throw new Error("the token service gave no token");
    return { authorization: `Bearer ${token}` };
  } catch (error) {
    account.client = undefined; // A broken client must not stay.
    if (error instanceof UpstreamError) throw error;
    throw new UpstreamError("credentials", `no access token: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

async function openClient(json: JsonObject): Promise<AuthClient> {
  const { GoogleAuth } = commonJs(await import("google-auth-library"));
  const auth = new GoogleAuth({ credentials: json, scopes: SCOPE } as ConstructorParameters<typeof GoogleAuth>[0]);
  const client = await auth.getClient();
  const transport = client as unknown as { transporter: { request: (options: TokenRequest) => Promise<unknown> } };
  transport.transporter.request = tokenTransport(stringAt(json, "token_uri"));
  return client;
}

interface TokenRequest {
  readonly url: string | URL;
  readonly headers?: unknown;
  readonly data?: unknown;
}

/** Fetches tokens over our own guarded connections, from the account's own token service where it names one. */
function tokenTransport(tokenUri: string | undefined): (options: TokenRequest) => Promise<unknown> {
  return async ({ url, headers, data }) => {
    const asked = String(url);
    const target = tokenUri !== undefined && asked === GOOGLE_TOKEN_URL ? tokenUri : asked;
    const form = data instanceof URLSearchParams;
    const type = form ? "application/x-www-form-urlencoded" : "application/json";
    const { status, text } = await guardedFetch(target, {
      method: "POST",
      headers: { ...plainHeaders(headers), "content-type": type },
      ...(data === undefined ? {} : { body: form ? data.toString() : JSON.stringify(data) }),
      timeoutMs: TOKEN_MS,
      bytesMax: TOKEN_BYTES_MAX,
      reach: { allowPrivate: false, explicitHost: new URL(target).hostname },
    });
    const body = parseObject(text) ?? {};
    if (status !== 200) {
      const reason = stringAt(body, "error_description") ?? stringAt(body, "error") ?? "";
      throw new Error(`the token service answered ${status} ${reason}`.trim());
    }
    return { data: body, status: 200, headers: new Headers(), config: {} };
  };
}

function plainHeaders(headers: unknown): Record<string, string> {
  if (headers instanceof Headers) return Object.fromEntries(headers);
  return typeof headers === "object" && headers !== null ? (headers as Record<string, string>) : {};
}
