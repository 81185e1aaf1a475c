import { GatewayError } from "../errors.ts";
import { type JsonObject, stringAt } from "../json.ts";
import { ownId } from "./reasoning-items.ts";
import type { StoredResponse } from "./store.ts";

export interface ListQuery {
  readonly limit?: string;
  readonly order?: string;
  readonly after?: string;
}

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/** A page of a response's input items (OpenAI API reference, "List input items"). @throws GatewayError INVALID_REQUEST. */
export function listInput(
  { response, input }: StoredResponse,
  { limit, order = "desc", after }: ListQuery,
): JsonObject {
  const count = limit === undefined ? LIMIT_DEFAULT : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > LIMIT_MAX) {
    throw new GatewayError("INVALID_REQUEST", { reason: `limit must be 1 to ${LIMIT_MAX}.` }, { param: "limit" });
  }
  if (order !== "asc" && order !== "desc") {
    throw new GatewayError("INVALID_REQUEST", { reason: 'order must be "asc" or "desc".' }, { param: "order" });
  }
  const seed = (stringAt(response, "id") ?? "").replace(/^resp_/, "");
  const items = input.map((item, index) => listed(item, seed, index));
  if (order === "desc") items.reverse();
  const from = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  const data = items.slice(from, from + count);
  return {
    object: "list",
    data,
    first_id: data[0]?.["id"] ?? null,
    last_id: data.at(-1)?.["id"] ?? null,
    has_more: from + count < items.length,
  };
}

/** An item with an id, a text as the part that it stands for. */
function listed(item: JsonObject, seed: string, index: number): JsonObject {
  const { content } = item;
  const type = stringAt(item, "type") ?? "message";
  const prefix = type === "message" ? "msg" : type.slice(0, 4);
  const id = stringAt(item, "id") ?? ownId(prefix, seed, index);
  if (typeof content !== "string") return { ...item, id, type };
  const part = item["role"] === "assistant" ? "output_text" : "input_text";
  return { ...item, id, type, content: [{ type: part, text: content }] };
}
