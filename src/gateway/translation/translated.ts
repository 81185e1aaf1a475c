import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";

/** A request in the other format, and the names of what was left out by the rules of docs/translation.md. */
export interface TranslatedRequest {
  readonly body: JsonObject;
  readonly dropped: readonly string[];
}

/** @throws GatewayError NOT_TRANSLATABLE, always. */
export function refuse(what: string, provider: string, hint: string, param: string): never {
  throw new GatewayError("NOT_TRANSLATABLE", { what, provider, hint }, { param });
}
