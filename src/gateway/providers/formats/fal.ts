import { isObject, type JsonObject, numberAt, objectsAt, stringAt } from "../../json.ts";
import { droppedMembers, refuse, type TranslatedRequest } from "../../translation/translated.ts";
import type { PlainCodec, Wire } from "../wire.ts";
import { readDataUrl } from "./chat-parts.ts";
import { openAiWire } from "./openai.ts";
import { readProblem } from "./problem.ts";

const SIZE = /^(\d{2,5})x(\d{2,5})$/;
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "prompt", "n", "size", "response_format", "output_format", "seed"],
]);
/** fal's own members, which its clients may send through. */
const OWN = [
  "negative_prompt",
  "guidance_scale",
  "num_inference_steps",
  "image_url",
  "strength",
  "enable_safety_checker",
];

/** Pictures ("Model endpoints", synchronous): the model is the path. */
const images: PlainCodec = {
  path: ({ basePath }, model) => `${basePath}/${model.split("/").map(encodeURIComponent).join("/")}`,
  encode(body, provider): TranslatedRequest {
    if (body["stream"] === true) refuse("A stream of pictures", provider.name, "leave stream out.", "stream");
    const own: JsonObject = { prompt: body["prompt"], num_images: numberAt(body, "n") ?? 1 };
    const size = SIZE.exec(stringAt(body, "size") ?? "");
    if (size !== null) own["image_size"] = { width: Number(size[1]), height: Number(size[2]) };
    const format = stringAt(body, "output_format");
    if (format !== undefined) own["output_format"] = format;
    if (numberAt(body, "seed") !== undefined) own["seed"] = body["seed"];
    // In this mode the pictures come inline, in place of an address.
    if (body["response_format"] === "b64_json") own["sync_mode"] = true;
    for (const name of OWN) if (body[name] !== undefined) own[name] = body[name];
    return { body: own, dropped: droppedMembers(body, new Set([...HANDLED, ...OWN])) };
  },
  decode(reply) {
    const made = Array.isArray(reply["images"]) ? objectsAt(reply, "images") : [reply["image"]].filter(isObject);
    if (made.length === 0) return undefined;
    const data = made.map((image) => {
      const url = stringAt(image, "url") ?? "";
      const inline = readDataUrl(url);
      return inline === undefined ? { url } : { b64_json: inline.data };
    });
    return { created: Math.floor(Date.now() / 1_000), data };
  },
};

/** fal.ai: pictures only. */
export const falWire: Wire = {
  ...openAiWire,
  finishChat: (_body, provider) => refuse("A chat", provider.name, "it makes pictures only.", "model"),
  plain: (path) => (path === "/images/generations" ? images : undefined),
  modelsPath: () => undefined,
  authorize(_provider, { secret }) {
    const headers: Record<string, string> = {};
    if (secret !== undefined) headers["authorization"] = `Key ${secret}`;
    return headers;
  },
  readProblem,
};
