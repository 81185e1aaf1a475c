import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { JsonObject } from "../json.ts";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import type { Provider } from "./provider.ts";

const ANTHROPIC_VERSION = "2023-06-01";
const USER_AGENT = "gatewayz/0.1";

/** Path of a provider's model list. */
export function modelsPath(provider: Provider): string {
  const path = provider.quirks.modelsPath ?? (provider.type === "anthropic" ? "/v1/models?limit=1000" : "/models");
  return `${provider.basePath}${path}`;
}

/** Headers that every call to this provider carries. */
export function providerHeaders(provider: Provider): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": USER_AGENT, ...provider.quirks.headers };
  if (provider.type === "anthropic") headers["anthropic-version"] = ANTHROPIC_VERSION;
  if (provider.apiKey !== undefined) {
    if (provider.type === "anthropic") headers["x-api-key"] = provider.apiKey;
    else headers["authorization"] = `Bearer ${provider.apiKey}`;
  }
  return headers;
}

/**
 * A POST of `body` as the provider wants it. Client credentials never pass; Anthropic's version headers do.
 * @param sampled Whether this trace is exported; what comes after us may decide alike.
 */
export function postOptions(
  provider: Provider,
  path: string,
  body: JsonObject,
  record: RequestRecord,
  attempt: Pick<AttemptRecord, "spanId">,
  clientHeaders: IncomingHttpHeaders,
  sampled: boolean,
): Dispatcher.DispatchOptions {
  const headers = providerHeaders(provider);
  headers["content-type"] = "application/json";
  headers["accept"] = body["stream"] === true ? "text/event-stream" : "application/json";
  headers["traceparent"] = `00-${record.traceId}-${attempt.spanId}-${sampled ? "01" : "00"}`;
  headers["x-request-id"] = record.requestId;
  if (provider.type === "anthropic" && record.dialect === "anthropic") {
    for (const name of ["anthropic-version", "anthropic-beta"]) {
      const value = clientHeaders[name];
      if (typeof value === "string") headers[name] = value;
    }
  }
  return { method: "POST", path, headers, body: JSON.stringify(body) };
}
