import { isObject, type JsonObject, objectAt, objectsAt } from "../../json.ts";
import {
  jsonReply,
  must,
  mustPost,
  sseReply,
  type WireFixture,
  type WireReply,
  type WireRequest,
} from "./wire-server.ts";

const KEY = "AIzaTest0123456789012345678901234567890";
/** Thoughts are counted beside the candidates' tokens. */
const USAGE = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 3,
  thoughtsTokenCount: 2,
  totalTokenCount: 25,
};
export const GEMINI_COUNTS = { input: 20, output: 5, cacheRead: 8, cacheWrite: 0, reasoning: 2 };
export const GEMINI_REASONING = "Let me see.";
const SIGNATURE = "c2lnbmF0dXJl";

const THOUGHT = { text: GEMINI_REASONING, thought: true };
const CALLS = ["Oslo", "Rome"].map((city, index) => ({
  functionCall: { name: "get_weather", args: { city } },
  ...(index === 0 ? { thoughtSignature: SIGNATURE } : {}),
}));

function reply(
  parts: readonly JsonObject[],
  finishReason: string | undefined,
  usage: JsonObject | undefined,
): JsonObject {
  const candidate: JsonObject = { content: { role: "model", parts }, index: 0 };
  if (finishReason !== undefined) candidate["finishReason"] = finishReason;
  const about = { modelVersion: "gemini-2.5-flash", responseId: "rsp1" };
  return { candidates: [candidate], ...(usage === undefined ? {} : { usageMetadata: usage }), ...about };
}

function failure(code: number, status: string, message: string, details: JsonObject[] = []): WireReply {
  return jsonReply({ error: { code, message, status, details } }, code);
}

/** Google's answers, on either of its platforms. */
export function geminiAnswer({ scenario }: WireRequest, isStream: boolean): WireReply {
  switch (scenario) {
    case "rate-limit":
      return failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded", [
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "7s" },
      ]);
    case "bad-key":
      return failure(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" },
      ]);
    case "bad-request":
      return failure(400, "INVALID_ARGUMENT", "too long");
    case "tools":
      if (!isStream) return jsonReply(reply(CALLS, "STOP", USAGE));
      return sseReply([...CALLS.map((call) => reply([call], undefined, USAGE)), reply([], "STOP", USAGE)]);
    default:
      if (!isStream) return jsonReply(reply([THOUGHT, { text: "Hello world" }], "STOP", USAGE));
      return sseReply([
        reply([THOUGHT], undefined, undefined),
        reply([{ text: "Hello" }], undefined, { promptTokenCount: 20, totalTokenCount: 20 }),
        reply([{ text: " world", thoughtSignature: SIGNATURE }], undefined, undefined),
        reply([], "STOP", USAGE),
      ]);
  }
}

/** @throws Error for a body that generateContent would refuse. */
export function checkGeminiBody({ body, scenario }: WireRequest): void {
  const known = ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"];
  for (const name of Object.keys(body)) must(known.includes(name), `Unknown name "${name}"`);
  const contents = objectsAt(body, "contents");
  must(contents.length > 0, "contents are empty");
  for (const [index, content] of contents.entries()) {
    must(content["role"] === "user" || content["role"] === "model", `role ${content["role"]}`);
    must(content["role"] !== contents[index - 1]?.["role"], "roles do not alternate");
    for (const part of objectsAt(content, "parts")) must(Object.keys(part).length > 0, "an empty part");
  }
  must(JSON.stringify(body["systemInstruction"]).includes("Be brief."), "the system instruction is missing");
  if (scenario !== "tools") return;
  const parts = contents.flatMap((content) => objectsAt(content, "parts"));
  const call = parts.find((part) => isObject(part["functionCall"]));
  const result = parts.find((part) => isObject(part["functionResponse"]));
  must(call !== undefined && result !== undefined, "the history lost its call or result");
  must(objectAt(call, "functionCall")["name"] === objectAt(result, "functionResponse")["name"], "names differ");
  must(isObject(objectAt(result, "functionResponse")["response"]), "the response is no object");
  const declaration = objectsAt(objectsAt(body, "tools")[0] ?? {}, "functionDeclarations")[0];
  must(declaration?.["name"] === "get_weather", "the tool is missing");
  must(isObject(declaration["parametersJsonSchema"]), "the tool has no parameters");
}

export const GEMINI: readonly WireFixture[] = [
  {
    title: "gemini",
    provider: "gemini",
    model: "gemini-2.5-flash",
    usage: GEMINI_COUNTS,
    reasoning: GEMINI_REASONING,
    config: (url) => ({ type: "gemini", baseUrl: `${url}/v1beta`, apiKey: KEY, models: ["gemini-2.5-flash"] }),
    check(request) {
      const isStream = request.path.endsWith(":streamGenerateContent");
      const method = isStream ? "streamGenerateContent" : "generateContent";
      mustPost(request, `/v1beta/models/gemini-2.5-flash:${method}`, "x-goog-api-key", KEY);
      must(!isStream || request.query.get("alt") === "sse", "a stream without alt=sse");
      must(!request.target.includes(KEY), "the key is in the URL");
      checkGeminiBody(request);
    },
    answer: (request) => geminiAnswer(request, request.path.includes("stream")),
  },
];
