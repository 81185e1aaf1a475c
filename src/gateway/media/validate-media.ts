import { isObject, type JsonObject } from "../json.ts";
import type { InferenceRequest } from "../request-record.ts";
import {
  checkBoolean,
  checkInteger,
  checkModel,
  checkNumber,
  checkProvider,
  inferenceOf,
  invalid,
} from "../routes/validate.ts";
import type { Upload } from "./upload.ts";

/** What OpenAI takes when a request for pictures names no model. */
const IMAGE_MODEL_DEFAULT = "dall-e-2";
/** The only model of the translations endpoint, and the usual one for transcriptions. */
export const TRANSCRIPTION_MODEL_DEFAULT = "whisper-1";
const PROMPT_CHARS_MAX = 32_000;
const PICTURES_MAX = 10;

/** Checks a request for pictures (OpenAI API reference, "Images"). @throws GatewayError INVALID_REQUEST. */
export function validateImages(body: JsonObject): InferenceRequest {
  body["model"] ??= IMAGE_MODEL_DEFAULT;
  const model = checkModel(body);
  checkPromptText(body, "prompt");
  checkInteger(body, "n", 1, PICTURES_MAX);
  checkBoolean(body, "stream");
  checkInteger(body, "partial_images", 0, 3);
  checkProvider(body);
  return { ...inferenceOf(body, model, undefined, "image_generation"), outputType: "image" };
}

/** Checks an edit or a variation of uploaded pictures. @throws GatewayError INVALID_REQUEST. */
export function validateImageUpload(body: JsonObject, upload: Upload, promptNeeded: boolean): InferenceRequest {
  body["model"] ??= IMAGE_MODEL_DEFAULT;
  const model = checkModel(body);
  if (promptNeeded) checkPromptText(body, "prompt");
  if (!upload.files.some(({ field }) => field === "image" || field === "image[]")) {
    invalid("image", "image is missing: it must be an uploaded picture.");
  }
  return { ...inferenceOf(streamMember(body), model, undefined, "image_generation"), outputType: "image" };
}

/** Checks an upload of sound (OpenAI API reference, "Audio"). @throws GatewayError INVALID_REQUEST. */
export function validateTranscription(body: JsonObject, upload: Upload): InferenceRequest {
  const model = checkModel(body);
  if (upload.files.filter(({ field }) => field === "file").length !== 1) {
    invalid("file", "file is missing: it must be one uploaded sound file.");
  }
  const { temperature } = body;
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 1)) {
    invalid("temperature", "temperature must be a number from 0 to 1.");
  }
  return inferenceOf(streamMember(body), model, undefined, "audio_transcription");
}

/** Checks a text to be spoken (OpenAI API reference, "Create speech"). @throws GatewayError INVALID_REQUEST. */
export function validateSpeech(body: JsonObject): InferenceRequest {
  const model = checkModel(body);
  checkPromptText(body, "input");
  const { voice } = body;
  if (typeof voice !== "string" && !isObject(voice)) invalid("voice", "voice is missing: it must name a voice.");
  checkNumber(body, "speed", 0.25, 4);
  const format = body["stream_format"];
  if (format !== undefined && format !== "audio" && format !== "sse") {
    invalid("stream_format", 'stream_format must be "audio" or "sse".');
  }
  checkProvider(body);
  const inference = inferenceOf({ ...body, stream: format === "sse" }, model, undefined, "audio_generation");
  return { ...inference, outputType: "speech" };
}

function checkPromptText(body: JsonObject, name: string): void {
  const text = body[name];
  if (typeof text !== "string" || text === "") invalid(name, `${name} is missing: it must be a text.`);
  if (text.length > PROMPT_CHARS_MAX) invalid(name, `${name} is longer than ${PROMPT_CHARS_MAX} characters.`);
}

/** Fields of an upload are texts; the record wants to know whether events were asked for. */
function streamMember(body: JsonObject): JsonObject {
  return { ...body, stream: body["stream"] === "true" || body["stream"] === true, temperature: undefined };
}
