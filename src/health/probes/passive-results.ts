import { parseJson } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { type Check, isCheckStatus } from "../check.ts";
import { RESULTS_PER_POST_MAX } from "../limits.ts";
import { isName, storedText } from "../text.ts";

/** A result that waited longer than this in somebody's queue says nothing about now. */
const AGE_MS_MAX = 3_600_000;

/**
 * Reads the body of POST /internal/results: an array of
 * `{provider, model, gateway?, request_type?, status, response_time_ms, error?, tokens?, at}` with `at` in Unix ms.
 * An entry that is not valid is left out and counted; the others are taken.
 * @throws HttpError 400 for a body that is no array, 413 for too many entries.
 */
export function readPassiveResults(body: string, nowMs: number): { checks: Check[]; rejected: number } {
  const value = parseJson(body);
  if (!Array.isArray(value)) throw new HttpError(400, "the body must be an array of results");
  if (value.length > RESULTS_PER_POST_MAX) {
    throw new HttpError(413, `${value.length} results; the limit is ${RESULTS_PER_POST_MAX}`);
  }
  const checks = value.flatMap((entry) => checkOf(entry, nowMs) ?? []);
  return { checks, rejected: value.length - checks.length };
}

function checkOf(entry: unknown, nowMs: number): Check | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { provider, model, gateway, request_type, status, response_time_ms, error, tokens, at } = entry as Record<
    string,
    unknown
  >;
  if (!isName(provider) || !isName(model) || !isCheckStatus(status)) return undefined;
  if (!isAmount(response_time_ms) || !isAmount(at) || at < nowMs - AGE_MS_MAX) return undefined;
  return {
    provider,
    model,
    gateway: isName(gateway) ? gateway : provider,
    status,
    responseTimeMs: response_time_ms,
    error: status !== "success" && typeof error === "string" ? storedText(error) : undefined,
    tokens: isAmount(tokens) ? Math.round(tokens) : 0,
    // A sender whose clock is ahead must not keep a model "just checked" for hours.
    atMs: Math.round(Math.min(at, nowMs)),
    kind: "passive",
    requestType: isName(request_type) ? request_type : undefined,
  };
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
