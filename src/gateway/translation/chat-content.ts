import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { refuse } from "./translated.ts";

const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/i;
const HTTP_URL = /^https?:\/\//i;
const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** OpenAI's message content (text or parts) as Anthropic's content blocks; empty texts, which Anthropic refuses, go. */
export function blocksOfChatContent(content: unknown, provider: string): JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  const blocks: JsonObject[] = [];
  for (const part of content) {
    const block = isObject(part) ? blockOfPart(part, provider) : undefined;
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

function blockOfPart(part: JsonObject, provider: string): JsonObject | undefined {
  const type = stringAt(part, "type");
  switch (type) {
    case "text":
    case "refusal": {
      const text = stringAt(part, type) ?? "";
      return text === "" ? undefined : withCacheControl(part, { type: "text", text });
    }
    case "image_url":
      return withCacheControl(part, imageBlock(stringAt(objectAt(part, "image_url"), "url") ?? "", provider));
    case "file":
      return withCacheControl(part, documentBlock(objectAt(part, "file"), provider));
    default:
      return refuse(`Content of type "${type ?? "unknown"}"`, provider, "send text, images or PDF files.", "messages");
  }
}

/** Not OpenAI's, but clients that know Anthropic put it on parts, tools and messages, and it costs money to lose. */
export function withCacheControl(source: JsonObject, target: JsonObject): JsonObject {
  return isObject(source["cache_control"]) ? { ...target, cache_control: source["cache_control"] } : target;
}

/** The mark of a whole message, on its last block. */
export function withMessageCacheControl(message: JsonObject, blocks: JsonObject[]): JsonObject[] {
  const last = blocks.at(-1);
  if (last === undefined || !isObject(message["cache_control"])) return blocks;
  return [...blocks.slice(0, -1), withCacheControl(message, last)];
}

function imageBlock(url: string, provider: string): JsonObject {
  const match = DATA_URL.exec(url);
  if (match === null) {
    if (HTTP_URL.test(url)) return { type: "image", source: { type: "url", url } };
    return refuse("An image URL that is neither http(s) nor base64 data", provider, "use one of the two.", "messages");
  }
  const mediaType = match[1]!.toLowerCase();
  if (!IMAGE_TYPES.has(mediaType)) {
    refuse(`An image of type ${mediaType}`, provider, "use PNG, JPEG, GIF or WebP.", "messages");
  }
  return { type: "image", source: { type: "base64", media_type: mediaType, data: url.slice(match[0].length) } };
}

function documentBlock(file: JsonObject, provider: string): JsonObject {
  const data = stringAt(file, "file_data") ?? "";
  const title = stringAt(file, "filename");
  const named = title === undefined ? {} : { title };
  // OpenRouter's clients write an address where the data would stand.
  if (HTTP_URL.test(data)) return { type: "document", source: { type: "url", url: data }, ...named };
  const match = DATA_URL.exec(data);
  if (match === null || match[1]!.toLowerCase() !== "application/pdf") {
    refuse("A file that is no inline PDF", provider, "send file_data as a base64 data URL of a PDF.", "messages");
  }
  const source = { type: "base64", media_type: "application/pdf", data: data.slice(match[0].length) };
  return { type: "document", source, ...named };
}

/** Whether this part, tool or message carries a mark of Anthropic's prompt cache. */
export function isMarked(part: JsonObject): boolean {
  return isObject(part["cache_control"]);
}

/** Whether anything in a chat completion request does. */
export function hasCacheMark(chat: JsonObject): boolean {
  if (isMarked(chat) || objectsAt(chat, "tools").some(isMarked)) return true;
  return objectsAt(chat, "messages").some((message) => {
    return (
      isMarked(message) ||
      objectsAt(message, "content").some(isMarked) ||
      objectsAt(message, "tool_calls").some(isMarked)
    );
  });
}
