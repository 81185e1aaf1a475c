import { existsSync, readFileSync } from "node:fs";
import type { AuthClient } from "google-auth-library";
import { Agent, request as httpRequest } from "undici";
import { guardedLookup } from "../../../../runtime/outbound-guard.ts";
import { type JsonObject, parseObject, stringAt } from "../../../json.ts";
import type { Credential } from "../../credential.ts";
import { UpstreamError } from "../../upstream-error.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** A token service that is slower than this has failed. */
const TOKEN_MS = 10_000;

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
export function accountOf(credential: Credential): Account {
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
  const { GoogleAuth } = await import("google-auth-library");
  const auth = new GoogleAuth({ credentials: json, scopes: SCOPE } as ConstructorParameters<typeof GoogleAuth>[0]);
  const client = await auth.getClient();
  const transport = client as unknown as { transporter: { request: (options: TokenRequest) => Promise<unknown> } };
  transport.transporter.request = tokenTransport(stringAt(json, "token_uri"));
  return client;
}

interface TokenRequest {
  readonly url: string | URL;
  readonly method?: string;
  readonly headers?: unknown;
  readonly data?: unknown;
}

/** Fetches tokens over our own guarded connections, from the account's own token service where it names one. */
function tokenTransport(tokenUri: string | undefined): (options: TokenRequest) => Promise<unknown> {
  return async ({ url, method = "POST", headers, data }) => {
    const asked = String(url);
    const target = tokenUri !== undefined && asked === "https://oauth2.googleapis.com/token" ? tokenUri : asked;
    const reach = { allowPrivate: false, explicitHost: new URL(target).hostname };
    const agent = new Agent({ connect: { lookup: guardedLookup(reach), timeout: TOKEN_MS } });
    try {
      const form = data instanceof URLSearchParams;
      const reply = await httpRequest(target, {
        dispatcher: agent,
        method: method as "POST",
        headers: { ...plainHeaders(headers), ...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}) },
        ...(data === undefined ? {} : { body: form ? data.toString() : JSON.stringify(data) }),
        headersTimeout: TOKEN_MS,
        bodyTimeout: TOKEN_MS,
      });
      const body = parseObject(await reply.body.text()) ?? {};
      if (reply.statusCode !== 200) {
        const reason = stringAt(body, "error_description") ?? stringAt(body, "error") ?? "";
        throw new Error(`the token service answered ${reply.statusCode} ${reason}`.trim());
      }
      return { data: body, status: 200, headers: new Headers(), config: {} };
    } finally {
      await agent.close();
    }
  };
}

function plainHeaders(headers: unknown): Record<string, string> {
  if (headers instanceof Headers) return Object.fromEntries(headers);
  return typeof headers === "object" && headers !== null ? (headers as Record<string, string>) : {};
}
