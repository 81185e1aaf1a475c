import { type JsonObject, objectAt, stringAt } from "../../../json.ts";
import { refuse } from "../../../translation/translated.ts";
import { readDataUrl } from "../chat-parts.ts";

const IMAGE_FORMATS: ReadonlySet<string> = new Set(["png", "jpeg", "gif", "webp"]);
/** Media type → `format` of a document block. */
const DOCUMENT_FORMATS: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/plain": "txt",
  "text/csv": "csv",
  "text/html": "html",
  "text/markdown": "md",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};

/**
 * A part of a message as a Converse content block; undefined for an empty text, which Converse refuses.
 * @param documentName A name that is neutral (models read it) and unique in the request.
 */
export function bedrockBlock(part: JsonObject, provider: string, documentName: () => string): JsonObject | undefined {
  const type = stringAt(part, "type");
  switch (type) {
    case "text":
    case "refusal": {
      const text = stringAt(part, type) ?? "";
      return text.trim() === "" ? undefined : { text };
    }
    case "image_url":
      return imageBlock(stringAt(objectAt(part, "image_url"), "url") ?? "", provider);
    case "file":
      return documentBlock(objectAt(part, "file"), provider, documentName);
    default:
      return refuse(`Content of type "${type ?? "unknown"}"`, provider, "send text, images or documents.", "messages");
  }
}

function imageBlock(url: string, provider: string): JsonObject {
  const inline = readDataUrl(url);
  if (inline === undefined) {
    return refuse("An image by URL", provider, "send it inline, as a base64 data URL.", "messages");
  }
  const format = inline.mediaType.replace("image/jpg", "image/jpeg").replace(/^image\//, "");
  if (!IMAGE_FORMATS.has(format)) {
    refuse(`An image of type ${inline.mediaType}`, provider, "use PNG, JPEG, GIF or WebP.", "messages");
  }
  return { image: { format, source: { bytes: inline.data } } };
}

function documentBlock(file: JsonObject, provider: string, documentName: () => string): JsonObject {
  const inline = readDataUrl(stringAt(file, "file_data") ?? "");
  const format = inline && DOCUMENT_FORMATS[inline.mediaType];
  if (inline === undefined || format === undefined) {
    return refuse("A file that is no inline document", provider, "send file_data as a data URL of a PDF.", "messages");
  }
  return { document: { format, name: documentName(), source: { bytes: inline.data } } };
}
