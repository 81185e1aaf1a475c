import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { JsonObject } from "../json.ts";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import type { Credential } from "./credential.ts";
import type { Provider } from "./provider.ts";
import type { UnsignedRequest } from "./wire.ts";

const USER_AGENT = "gatewayz/0.1";

/**
 * Headers that every call to this provider carries, credential included. A promise only where a token must be fetched or
 * the request signed, so that the others cost no turn of the event loop.
 */
export function providerHeaders(
  provider: Provider,
  credential: Credential,
  model: string,
  request: UnsignedRequest,
): Record<string, string> | Promise<Record<string, string>> {
  const headers: Record<string, string> = { "user-agent": USER_AGENT, ...provider.quirks.headers };
  const own = provider.wire(model).authorize(provider, credential, request);
  if (own instanceof Promise) return own.then((late) => Object.assign(headers, late, provider.headers));
  return Object.assign(headers, own, provider.headers);
}

/** One POST to a provider, before it is authorised. */
export interface ProviderPost {
  readonly provider: Provider;
  readonly credential: Credential;
  /** The provider's own id of the model. */
  readonly model: string;
  readonly path: string;
  readonly body: JsonObject;
  readonly stream: boolean;
  readonly record: RequestRecord;
  readonly attempt: Pick<AttemptRecord, "spanId">;
  readonly clientHeaders: IncomingHttpHeaders;
  /** Whether this trace is exported; what comes after us may decide alike. */
  readonly sampled: boolean;
}

/**
 * A POST as the provider wants it. Client credentials never pass; Anthropic's version headers do.
 * @throws UpstreamError (or rejects with it) when no token can be had.
 */
export function postOptions(post: ProviderPost): Dispatcher.DispatchOptions | Promise<Dispatcher.DispatchOptions> {
  const { provider, credential, model, path } = post;
  const body = JSON.stringify(post.body);
  const headers = providerHeaders(provider, credential, model, { method: "POST", path, body });
  if (headers instanceof Promise) return headers.then((late) => finished(post, body, late));
  return finished(post, body, headers);
}

function finished(post: ProviderPost, body: string, headers: Record<string, string>): Dispatcher.DispatchOptions {
  const { provider, model, path, stream, record, attempt, clientHeaders, sampled } = post;
  const { native, streamType } = provider.wire(model);
  headers["content-type"] = "application/json";
  headers["accept"] = stream ? streamType : "application/json";
  headers["traceparent"] = `00-${record.traceId}-${attempt.spanId}-${sampled ? "01" : "00"}`;
  headers["x-request-id"] = record.requestId;
  if (native === "anthropic" && record.dialect === "anthropic") {
    for (const name of ["anthropic-version", "anthropic-beta"]) {
      const value = clientHeaders[name];
      if (typeof value === "string") headers[name] = value;
    }
  }
  return { method: "POST", path, headers, body };
}
