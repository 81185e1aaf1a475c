import * as z from "zod";
import type { RouteDescription, RouteSchemas } from "../openapi/route.ts";

const media = (
  path: string,
  summary: string,
  schemas: () => RouteSchemas,
  rest: Pick<RouteDescription, "description" | "replyType"> = {},
): RouteDescription => ({ method: "POST", path, auth: "client", tag: "Inference", summary, ...rest, schemas });

const model = () => z.string().describe("Id of a model or an alias; `provider/model` puts that provider first");
const images = () => z.looseObject({ created: z.number().optional(), data: z.array(z.looseObject({})) });
const transcription = () => z.looseObject({ text: z.string() });

const AS_OPENAI = "As OpenAI defines it: `multipart/form-data` with the fields";
const IMAGE_UPLOAD = `${AS_OPENAI} \`image\` (a file, or several as \`image[]\`), \`mask\`, \`model\`, \`n\`, \`size\``;
const SOUND_UPLOAD = `${AS_OPENAI} \`file\`, \`model\`, \`language\`, \`prompt\`, \`response_format\`, \`temperature\`, \`stream\`.`;

/** What the document says of the routes for pictures and sound. */
export const mediaDescriptions: readonly RouteDescription[] = [
  media("/v1/images/generations", "Make pictures", () => ({
    body: z.looseObject({
      model: model().optional(),
      prompt: z.string().max(32_000),
      n: z.number().int().min(1).max(10).optional(),
      size: z.string().optional(),
      quality: z.string().optional(),
      response_format: z.enum(["url", "b64_json"]).optional(),
      stream: z.boolean().optional(),
    }),
    reply: images(),
  })),
  media("/v1/images/edits", "Change pictures", () => ({ reply: images() }), {
    description: `${IMAGE_UPLOAD} and \`prompt\`.`,
  }),
  media("/v1/images/variations", "Make pictures like one", () => ({ reply: images() }), {
    description: `${IMAGE_UPLOAD}.`,
  }),
  media("/v1/audio/transcriptions", "Turn speech into text", () => ({ reply: transcription() }), {
    description: `${SOUND_UPLOAD} With \`response_format\` text, srt or vtt the reply is that text.`,
  }),
  media("/v1/audio/transcriptions/base64", "Turn speech into text, the sound as base64 in JSON", () => ({
    body: z.looseObject({
      model: model().optional(),
      audio_data: z.string().optional().describe("Base64 or a data URL; `audio` and `file` are taken too"),
      filename: z.string().optional(),
      language: z.string().optional(),
    }),
    reply: transcription(),
  })),
  media("/v1/audio/translations", "Turn speech into English text", () => ({ reply: transcription() }), {
    description: SOUND_UPLOAD,
  }),
  media(
    "/v1/audio/speech",
    "Turn text into speech",
    () => ({
      body: z.looseObject({
        model: model(),
        input: z.string().max(32_000),
        voice: z.union([z.string(), z.looseObject({})]),
        response_format: z.string().optional(),
        speed: z.number().min(0.25).max(4).optional(),
        stream_format: z.enum(["audio", "sse"]).optional(),
      }),
    }),
    { description: "The sound is passed on as it is made.", replyType: "audio/mpeg" },
  ),
];
