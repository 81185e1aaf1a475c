import type { JsonObject } from "../json.ts";

/**
 * Adds a turn to a conversation whose roles must alternate: neighbours of one role become one turn. Nothing is added
 * where there are no parts.
 * @param member The member of a turn that holds its parts.
 */
export function appendTurn(turns: JsonObject[], role: string, member: "content" | "parts", parts: JsonObject[]): void {
  if (parts.length === 0) return;
  const last = turns.at(-1);
  if (last?.["role"] === role) (last[member] as JsonObject[]).push(...parts);
  else turns.push({ role, [member]: parts });
}
