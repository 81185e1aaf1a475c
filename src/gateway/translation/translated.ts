import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Names longer than this or with other signs are not repeated in a header. */
const PLAIN_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const DROPPED_NAMES_MAX = 32;

/** Members of a request that are the gateway's own and that no provider knows. */
export const GATEWAY_MEMBERS = [
  "provider",
  "models",
  "auto_web_search",
  "web_search_threshold",
  "auto_routing",
] as const;

/** A request in the other format, and the names of what was left out by the rules of docs/translation.md. */
export interface TranslatedRequest {
  readonly body: JsonObject;
  readonly dropped: readonly string[];
}

/** Members of a request that its translation left out; neutral values, which some clients always send, do not count. */
export function droppedMembers(request: JsonObject, handled: ReadonlySet<string>): string[] {
  const dropped = Object.keys(request).filter((name) => !handled.has(name) && isMeant(name, request[name]));
  return dropped.filter((name) => PLAIN_NAME.test(name)).slice(0, DROPPED_NAMES_MAX);
}

function isMeant(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  // Calls in parallel are the default, and a seed or temperature of 0 is as good as any.
  if (name === "parallel_tool_calls") return value === false;
  if (name === "seed" || name === "temperature") return true;
  if (value === 0 || value === false) return false;
  return !(isObject(value) && Object.keys(value).length === 0);
}

/**
 * Refuses what formats of text and tools alone cannot say.
 * @throws GatewayError NOT_TRANSLATABLE.
 */
export function refuseMediaAndFunctions(chat: JsonObject, provider: string): void {
  const modalities = Array.isArray(chat["modalities"]) ? chat["modalities"] : [];
  if (isObject(chat["audio"]) || modalities.some((kind) => kind !== "text")) {
    refuse("Output other than text", provider, "leave modalities and audio out.", "modalities");
  }
  if (Array.isArray(chat["functions"])) refuse("functions", provider, "use tools instead.", "functions");
}

/** @throws GatewayError NOT_TRANSLATABLE, always. */
export function refuse(what: string, provider: string, hint: string, param: string): never {
  throw new GatewayError("NOT_TRANSLATABLE", { what, provider, hint }, { param });
}
