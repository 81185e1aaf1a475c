import type { IncomingHttpHeaders } from "node:http";
import { parseObject, stringAt } from "../../../json.ts";
import type { ProviderProblem } from "../../wire.ts";

/** Exceptions (API reference, "Converse", Errors, and AWS's common errors) → the status that says what follows. */
const STATUS_OF: Readonly<Record<string, number>> = {
  throttlingexception: 429,
  servicequotaexceededexception: 429,
  modelnotreadyexception: 503,
  serviceunavailableexception: 503,
  internalserverexception: 500,
  modelerrorexception: 502,
  modelstreamerrorexception: 502,
  modeltimeoutexception: 504,
  accessdeniedexception: 403,
  unrecognizedclientexception: 401,
  invalidsignatureexception: 401,
  incompletesignatureexception: 401,
  expiredtokenexception: 401,
  missingauthenticationtokenexception: 401,
  resourcenotfoundexception: 404,
  validationexception: 400,
};

/** Undefined for an exception of another name. */
export function statusOfException(name: string): number | undefined {
  return STATUS_OF[name.toLowerCase()];
}

/** Bedrock's error: the exception's name in `x-amzn-errortype` (or `__type`), the text in `message`. */
export function readBedrockProblem(status: number, headers: IncomingHttpHeaders, bodyText: string): ProviderProblem {
  const body = parseObject(bodyText) ?? {};
  const header = headers["x-amzn-errortype"];
  const named = (typeof header === "string" ? header : undefined) ?? stringAt(body, "__type") ?? "";
  const exception = named.split(":")[0]!.split("#").at(-1)!;
  const message = stringAt(body, "message") ?? stringAt(body, "Message") ?? (exception || undefined);
  const unknownModel = /model identifier is invalid|Could not resolve the foundation model/i.test(message ?? "");
  const tooLong = /input is too long|prompt is too long|maximum context length|too many (input )?tokens/i;
  const known = statusOfException(exception) ?? status;
  return {
    status: unknownModel ? 404 : known,
    message,
    param: undefined,
    code: known === 400 && tooLong.test(message ?? "") ? "context_length_exceeded" : undefined,
    retryAfterSeconds: undefined,
  };
}
