import { type JsonObject, objectsAt, stringAt } from "../json.ts";
import type { ReasoningDetail } from "../stream/converter.ts";
import { OPENAI_REASONING, openEnvelope, reasoningText, seal } from "../translation/reasoning.ts";

/** A reasoning item (OpenAI API reference, "Responses") as details. @param index Which of a message's reasonings it is. */
export function detailsOfItem(item: JsonObject, index: number): ReasoningDetail[] {
  const text = textsOf(item, "summary") || textsOf(item, "content");
  const encrypted = stringAt(item, "encrypted_content") ?? "";
  const foreign = openEnvelope(encrypted);
  if (foreign !== undefined) {
    if (foreign.type === "reasoning.text") return [{ ...foreign, text, index }];
    return text === "" ? [{ ...foreign, index }] : [summaryDetail(text, foreign, index), { ...foreign, index }];
  }
  const about = { format: OPENAI_REASONING, id: stringAt(item, "id") ?? "" };
  const details: ReasoningDetail[] = text === "" ? [] : [summaryDetail(text, about, index)];
  if (encrypted !== "") details.push({ type: "reasoning.encrypted", data: encrypted, ...about, index });
  return details;
}

function summaryDetail(
  summary: string,
  { id, format }: Pick<ReasoningDetail, "id" | "format">,
  index: number,
): ReasoningDetail {
  const about = { ...(id === undefined ? {} : { id }), ...(format === undefined ? {} : { format }) };
  return { type: "reasoning.summary", summary, ...about, index };
}

function textsOf(item: JsonObject, member: string): string {
  return objectsAt(item, member)
    .map((part) => stringAt(part, "text") ?? "")
    .join("\n\n");
}

/** The details of one reasoning as a finished item. What OpenAI did not write is `encrypted_content` in an envelope. */
export function itemOfDetails(id: string, details: readonly ReasoningDetail[]): JsonObject {
  const encrypted = encryptedContent(details);
  return reasoningItem(id, reasoningText(details), encrypted);
}

/** The id that OpenAI gave to this reasoning, without which it would not take it back; undefined for other makers'. */
export function openAiId(details: readonly ReasoningDetail[]): string | undefined {
  return details.find(({ format, id }) => format === OPENAI_REASONING && id !== undefined && id !== "")?.id;
}

/** `encrypted_content` for these details; undefined where nothing proves them. */
function encryptedContent(details: readonly ReasoningDetail[]): string | undefined {
  const sealed = details.find(isSealed);
  if (sealed === undefined) return undefined;
  if (sealed.type === "reasoning.encrypted" && sealed.format === OPENAI_REASONING) return sealed.data;
  return seal(sealed);
}

export function reasoningItem(id: string, text: string, encrypted: string | undefined): JsonObject {
  const summary = text === "" ? [] : [{ type: "summary_text", text }];
  return { id, type: "reasoning", summary, ...(encrypted === undefined ? {} : { encrypted_content: encrypted }) };
}

/** Details in runs that belong together: one reasoning each, with at most one proof. */
export function reasoningRuns(details: readonly ReasoningDetail[]): ReasoningDetail[][] {
  const runs: ReasoningDetail[][] = [];
  for (const detail of details) {
    const last = runs.at(-1);
    if (last !== undefined && belongsTo(detail, last)) last.push(detail);
    else runs.push([detail]);
  }
  return runs;
}

/** Whether a detail goes on with these, which are one reasoning so far. */
export function belongsTo(detail: ReasoningDetail, before: readonly ReasoningDetail[]): boolean {
  return before.every((other) => other.index === detail.index && !isSealed(other));
}

/** Whether a detail carries what proves it, which ends a reasoning. */
function isSealed({ type, signature }: ReasoningDetail): boolean {
  return type === "reasoning.encrypted" || Boolean(signature);
}

/** Items as a client gets them: reasoning's encrypted content only if it asked for it. */
export function shownItem(item: JsonObject, encryptedWanted: boolean): JsonObject {
  if (encryptedWanted || item["type"] !== "reasoning" || item["encrypted_content"] === undefined) return item;
  const { encrypted_content: _hidden, ...shown } = item;
  return shown;
}

/**
 * Items as OpenAI itself takes them: reasoning of other models would be refused, and so would ids of reasoning that it
 * has never seen.
 */
export function withoutForeignReasoning(items: readonly JsonObject[]): JsonObject[] {
  return items.filter((item) => {
    if (item["type"] !== "reasoning") return true;
    const encrypted = stringAt(item, "encrypted_content");
    return encrypted === undefined ? !isOwnId(stringAt(item, "id")) : openEnvelope(encrypted) === undefined;
  });
}

const OWN_MARK = "gwz";

/** Ids that the gateway gives to items. @param seed 32 hex digits. */
export function ownId(prefix: string, seed: string, index: number): string {
  return `${prefix}_${OWN_MARK}${seed}${index}`;
}

function isOwnId(id: string | undefined): boolean {
  return id?.includes(`_${OWN_MARK}`) === true;
}
