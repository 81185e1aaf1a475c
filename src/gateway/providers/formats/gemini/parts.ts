import { type JsonObject, objectAt, stringAt } from "../../../json.ts";
import { refuse } from "../../../translation/translated.ts";
import { readDataUrl } from "../chat-parts.ts";

/** Media types by the ending of an URL's path; Gemini wants to be told. */
const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  pdf: "application/pdf",
  txt: "text/plain",
  mp3: "audio/mp3",
  wav: "audio/wav",
  mp4: "video/mp4",
};
const AUDIO_FORMATS: ReadonlySet<string> = new Set(["wav", "mp3", "aiff", "aac", "ogg", "flac"]);

/** A part of a user's or tool's message as Gemini's; undefined for an empty text. */
export function geminiPart(part: JsonObject, provider: string): JsonObject | undefined {
  const type = stringAt(part, "type");
  switch (type) {
    case "text":
    case "refusal": {
      const text = stringAt(part, type) ?? "";
      return text === "" ? undefined : { text };
    }
    case "image_url":
      return mediaPart(stringAt(objectAt(part, "image_url"), "url") ?? "", provider);
    case "file": {
      const file = objectAt(part, "file");
      const data = stringAt(file, "file_data");
      if (data !== undefined) return mediaPart(data, provider);
      return refuse("A file of OpenAI's store", provider, "send file_data.", "messages");
    }
    case "input_audio": {
      const audio = objectAt(part, "input_audio");
      const format = stringAt(audio, "format") ?? "wav";
      if (!AUDIO_FORMATS.has(format)) refuse(`Audio of format "${format}"`, provider, "send wav or mp3.", "messages");
      return { inlineData: { mimeType: `audio/${format}`, data: stringAt(audio, "data") ?? "" } };
    }
    default:
      return refuse(
        `Content of type "${type ?? "unknown"}"`,
        provider,
        "send text, images, audio or files.",
        "messages",
      );
  }
}

function mediaPart(url: string, provider: string): JsonObject {
  const inline = readDataUrl(url);
  if (inline !== undefined) return { inlineData: { mimeType: inline.mediaType, data: inline.data } };
  if (!/^(https?|gs):\/\//i.test(url)) {
    refuse("A URL that is neither http(s), gs nor base64 data", provider, "use one of them.", "messages");
  }
  const ending = /\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase();
  const mimeType = ending === undefined ? undefined : TYPES[ending];
  return { fileData: mimeType === undefined ? { fileUri: url } : { fileUri: url, mimeType } };
}
