import { GatewayError } from "../errors.ts";
import { type JsonObject, stringAt } from "../json.ts";
import { Spool } from "./spool.ts";
import { Upload } from "./upload.ts";
import { TRANSCRIPTION_MODEL_DEFAULT } from "./validate-media.ts";

/** Members under which clients send the sound. */
const AUDIO_MEMBERS = ["audio_data", "audio", "file", "audio_base64"] as const;
const NAMED_ELSEWHERE: ReadonlySet<string> = new Set([...AUDIO_MEMBERS, "filename", "file_name", "mime_type", "model"]);
const DATA_URL = /^data:([\w.+-]{1,60}\/[\w.+-]{1,60})?(?:;[\w=.+-]{1,60}){0,4};base64,/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * The upload that a JSON request with base64 sound stands for (contract 6c, `/v1/audio/transcriptions/base64`): `audio_data`
 * (also `audio` or `file`) holds base64 or a data URL, `filename` is optional, everything else becomes a field.
 * @throws GatewayError INVALID_REQUEST.
 */
export async function uploadOfBase64(body: JsonObject, directory: string): Promise<Upload> {
  const member = AUDIO_MEMBERS.find((name) => typeof body[name] === "string") ?? AUDIO_MEMBERS[0];
  const text = stringAt(body, member) ?? "";
  const prefix = DATA_URL.exec(text.slice(0, 400));
  const data = prefix === null ? text : text.slice(prefix[0].length);
  if (data === "" || !BASE64.test(data)) {
    throw new GatewayError("INVALID_REQUEST", { reason: `${member} must be sound in base64.` }, { param: member });
  }
  const upload = new Upload();
  const spool = new Spool(directory);
  const contentType = prefix?.[1] ?? stringAt(body, "mime_type") ?? "audio/mpeg";
  const fileName = stringAt(body, "filename") ?? stringAt(body, "file_name") ?? `audio.${extensionOf(contentType)}`;
  upload.files.push({ field: "file", fileName, contentType, spool });
  upload.fields.push(["model", stringAt(body, "model") ?? TRANSCRIPTION_MODEL_DEFAULT]);
  for (const [name, value] of Object.entries(body)) {
    if (NAMED_ELSEWHERE.has(name) || value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const item of value) upload.fields.push([`${name}[]`, textOf(item)]);
    else upload.fields.push([name, textOf(value)]);
  }
  await spool.write(Buffer.from(data, "base64"));
  return upload;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Providers tell the format by the name's end. */
function extensionOf(contentType: string): string {
  const subtype = contentType.slice(contentType.indexOf("/") + 1).replace(/^x-/, "");
  return { mpeg: "mp3", mp4: "m4a", "vnd.wave": "wav", wave: "wav" }[subtype] ?? subtype;
}
