import type { IncomingHttpHeaders } from "node:http";
import { isObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../../../json.ts";
import type { ProviderProblem } from "../../wire.ts";

/** `google.rpc.Code` names whose HTTP status does not say what follows for the gateway. */
const STATUS_OF: Readonly<Record<string, number>> = {
  RESOURCE_EXHAUSTED: 429,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  DEADLINE_EXCEEDED: 504,
  UNAVAILABLE: 503,
  INTERNAL: 500,
  CANCELLED: 503,
};

/**
 * Google's error: `{"error": {code, message, status, details}}`, in a list where a stream was asked for without SSE.
 * A wrong key is a 400 there, and a region that is not served, too; neither is the request's fault.
 */
export function readGoogleProblem(status: number, _headers: IncomingHttpHeaders, bodyText: string): ProviderProblem {
  const text = bodyText.trimStart();
  const body = parseObject(text.startsWith("[") ? `{"list":${text}}` : text) ?? {};
  const error = objectAt(objectsAt(body, "list")[0] ?? body, "error");
  const message = stringAt(error, "message") ?? stringAt(body, "error_description") ?? stringAt(body, "error");
  const word = stringAt(error, "status") ?? "";
  const details = objectsAt(error, "details");
  const badKey = details.some((detail) => stringAt(detail, "reason") === "API_KEY_INVALID");
  const badPlace = word === "FAILED_PRECONDITION" && /location is not supported/i.test(message ?? "");
  const tooLong = status === 400 && /token count .*exceeds|exceeds the maximum number of tokens/i.test(message ?? "");
  return {
    status: badKey ? 401 : badPlace ? 403 : (STATUS_OF[word] ?? status),
    message,
    param: fieldAtFault(details),
    code: tooLong ? "context_length_exceeded" : undefined,
    retryAfterSeconds: retryDelay(details),
  };
}

function retryDelay(details: ReturnType<typeof objectsAt>): number | undefined {
  for (const detail of details) {
    const delay = /^(\d+(?:\.\d+)?)s$/.exec(stringAt(detail, "retryDelay") ?? "");
    if (delay !== null) return Math.max(1, Math.ceil(Number(delay[1])));
  }
  return undefined;
}

function fieldAtFault(details: ReturnType<typeof objectsAt>): string | undefined {
  for (const detail of details) {
    const [violation] = objectsAt(detail, "fieldViolations");
    if (violation !== undefined) return stringAt(violation, "field");
  }
  return undefined;
}

/** Ids of `{"models": [{"name": "models/gemini-2.5-pro"}]}`. */
export function readGeminiModelIds(text: string): string[] | undefined {
  const body = parseObject(text);
  if (!isObject(body) || !Array.isArray(body["models"])) return undefined;
  return objectsAt(body, "models").flatMap((model) => stringAt(model, "name")?.replace(/^models\//, "") ?? []);
}

/** `{"totalTokens": n}` of countTokens. */
export function readTotalTokens(reply: Record<string, unknown>): number | undefined {
  return numberAt(reply, "totalTokens");
}
