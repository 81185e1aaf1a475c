import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import type { ReasoningDetail } from "../stream/converter.ts";
import type { TranslatedRequest } from "./translated.ts";

/** Formats of opaque reasoning, in OpenRouter's words. */
export const ANTHROPIC_REASONING = "anthropic-claude-v1";
export const OPENAI_REASONING = "openai-responses-v1";
/** Marks an opaque value that is not the carrying format's own: base64url of a JSON object follows. */
const ENVELOPE = "gwz1.";

/**
 * The reasoning in a chat message or delta, whichever of the usual members it stands in: OpenRouter's
 * `reasoning_details`, LiteLLM's `thinking_blocks`, else the plain texts of DeepSeek (`reasoning_content`) and others
 * (`reasoning`).
 */
export function reasoningOf(message: JsonObject): { details: ReasoningDetail[]; text: string | undefined } {
  const details = objectsAt(message, "reasoning_details").flatMap(readDetail);
  if (details.length > 0) return { details, text: undefined };
  const blocks = objectsAt(message, "thinking_blocks").flatMap((block, index) => detailsOfBlock(block, index));
  if (blocks.length > 0) return { details: blocks, text: undefined };
  const text = stringAt(message, "reasoning_content") ?? stringAt(message, "reasoning");
  return { details: [], text: text === "" ? undefined : text };
}

function readDetail(raw: JsonObject): ReasoningDetail[] {
  const type = stringAt(raw, "type");
  if (type !== "reasoning.text" && type !== "reasoning.summary" && type !== "reasoning.encrypted") return [];
  const detail: { -readonly [K in keyof ReasoningDetail]: ReasoningDetail[K] } = { type };
  for (const name of ["text", "summary", "data", "signature", "id", "format"] as const) {
    const value = stringAt(raw, name);
    if (value !== undefined) detail[name] = value;
  }
  const index = numberAt(raw, "index");
  if (index !== undefined) detail.index = index;
  return [detail];
}

/** What a reader of plain reasoning sees of these details. */
export function reasoningText(details: readonly ReasoningDetail[]): string {
  return details.map(({ text, summary }) => text ?? summary ?? "").join("");
}

/** Anthropic's thinking and redacted_thinking blocks as details; other blocks are none. */
export function detailsOfBlock(block: JsonObject, index: number): ReasoningDetail[] {
  const type = stringAt(block, "type");
  if (type === "redacted_thinking") {
    const data = stringAt(block, "data") ?? "";
    const foreign = openEnvelope(data);
    return [
      foreign ? { ...foreign, index } : { type: "reasoning.encrypted", data, format: ANTHROPIC_REASONING, index },
    ];
  }
  if (type !== "thinking") return [];
  const text = stringAt(block, "thinking") ?? "";
  const signature = stringAt(block, "signature") ?? "";
  const foreign = openEnvelope(signature);
  if (foreign === undefined) {
    const signed = signature === "" ? {} : { signature };
    return [{ type: "reasoning.text", text, ...signed, format: ANTHROPIC_REASONING, index }];
  }
  if (foreign.type !== "reasoning.encrypted") return [{ ...foreign, text, index }];
  // A summary, and the encrypted reasoning that it sums up.
  const { id, format } = foreign;
  const about = { ...(id === undefined ? {} : { id }), ...(format === undefined ? {} : { format }), index };
  return text === ""
    ? [{ ...foreign, index }]
    : [
        { type: "reasoning.summary", summary: text, ...about },
        { ...foreign, index },
      ];
}

/** Details as blocks of an Anthropic client's message; what Anthropic did not write travels in an envelope. */
export function blocksForClient(details: readonly ReasoningDetail[]): JsonObject[] {
  const blocks: JsonObject[] = [];
  let open: { block: JsonObject; key: string } | undefined;
  for (const detail of details) {
    const key = `${detail.index ?? ""} ${detail.id ?? ""}`;
    const text = detail.text ?? detail.summary;
    if (detail.type === "reasoning.encrypted") {
      const sealed = sealedData(detail);
      if (isForeign(detail) && open?.key === key && open.block["signature"] === "") open.block["signature"] = sealed;
      else blocks.push({ type: "redacted_thinking", data: sealed });
      open = undefined;
      continue;
    }
    if (open?.key === key && open.block["signature"] === "") open.block["thinking"] += text ?? "";
    else {
      open = { block: { type: "thinking", thinking: text ?? "", signature: "" }, key };
      blocks.push(open.block);
    }
    const signature = sealedSignature(detail);
    if (signature !== undefined) open.block["signature"] = signature;
  }
  return blocks;
}

/** Details as blocks that Anthropic itself takes back: only what it signed or encrypted. */
export function blocksForAnthropic(details: readonly ReasoningDetail[]): JsonObject[] {
  return blocksForClient(details.filter((detail) => !isForeign(detail))).filter(isOwnBlock);
}

/** Whether Anthropic can have made this block: its thinking is signed, and not in our envelope. */
function isOwnBlock(block: JsonObject): boolean {
  const type = stringAt(block, "type");
  if (type === "thinking") return isOwnOpaque(stringAt(block, "signature"));
  return type !== "redacted_thinking" || isOwnOpaque(stringAt(block, "data"));
}

function isOwnOpaque(value: string | undefined): boolean {
  return value !== undefined && value !== "" && !value.startsWith(ENVELOPE);
}

/**
 * An Anthropic request without the thinking of other models, which Anthropic would refuse. The same object when there is
 * none. Where that leaves calls without the thinking that Anthropic wants before them, the model does not think this turn.
 */
export function withoutForeignThinking(body: JsonObject): TranslatedRequest {
  const messages = body["messages"];
  if (!Array.isArray(messages) || !messages.some(hasForeignThinking)) return { body, dropped: [] };
  const cleaned = messages.flatMap((message: unknown) => {
    if (!hasForeignThinking(message)) return [message];
    const content = message.content.filter((block) => !isForeignBlock(block));
    return content.length === 0 ? [] : [{ ...message, content }]; // An empty message would be refused.
  });
  const changed: JsonObject = { ...body, messages: cleaned };
  const enabled = objectAt(body, "thinking")["type"] === "enabled";
  if (!enabled || !lacksThinking(cleaned.filter(isObject))) return { body: changed, dropped: [] };
  delete changed["thinking"];
  return { body: changed, dropped: ["thinking"] };
}

function isForeignBlock(block: unknown): boolean {
  return isObject(block) && !isOwnBlock(block);
}

function hasForeignThinking(message: unknown): message is JsonObject & { content: unknown[] } {
  return (
    isObject(message) &&
    message["role"] === "assistant" &&
    Array.isArray(message["content"]) &&
    message["content"].some(isForeignBlock)
  );
}

/** Whether the turn that tool results answer has calls without the thinking that Anthropic would want before them. */
export function lacksThinking(messages: readonly JsonObject[]): boolean {
  const last = messages.at(-1);
  const answersTools = last?.["role"] === "user" && objectsAt(last, "content").some(isToolResult);
  if (!answersTools) return false;
  const [first] = objectsAt(messages.at(-2) ?? {}, "content");
  return first !== undefined && first["type"] !== "thinking" && first["type"] !== "redacted_thinking";
}

function isToolResult(block: JsonObject): boolean {
  return block["type"] === "tool_result";
}

/** `signature` for an Anthropic client: its own as it is, another maker's in an envelope. */
export function sealedSignature(detail: ReasoningDetail): string | undefined {
  const { signature } = detail;
  if (signature === undefined || signature === "") return undefined;
  return isForeign(detail) ? seal(detail) : signature;
}

/** `data` of a redacted_thinking block, or the signature that stands for it. */
export function sealedData(detail: ReasoningDetail): string {
  return isForeign(detail) ? seal(detail) : (detail.data ?? "");
}

/** True for reasoning that Anthropic did not make. */
export function isForeign({ format }: ReasoningDetail): boolean {
  return format !== undefined && format !== ANTHROPIC_REASONING;
}

/** An opaque value that carries a detail (without its text) through a format of another maker. */
export function seal(detail: ReasoningDetail): string {
  const { type, format, id, data, signature } = detail;
  return ENVELOPE + Buffer.from(JSON.stringify({ type, format, id, data, signature })).toString("base64url");
}

/** The detail in an envelope; undefined when the value is none. */
export function openEnvelope(value: string): ReasoningDetail | undefined {
  if (!value.startsWith(ENVELOPE)) return undefined;
  const raw = parseObject(Buffer.from(value.slice(ENVELOPE.length), "base64url").toString("utf8"));
  // Its mark, but not ours: as good as unsigned.
  return (raw === undefined ? undefined : readDetail(raw)[0]) ?? { type: "reasoning.text", format: "unknown" };
}
