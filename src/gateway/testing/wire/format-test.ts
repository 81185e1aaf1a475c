import { type JsonObject, parseObject } from "../../json.ts";
import { startTestGateway } from "../test-gateway.ts";
import { serviceAccount } from "./vertex.ts";
import { jsonReply, sseReply, startWireServer, type WireRequest } from "./wire-server.ts";

type Format = "gemini" | "bedrock" | "cohere" | "vertex" | "fal";

const SIGNED = { functionCall: { name: "get_weather", args: { city: "Oslo" } }, thoughtSignature: "c2ln" };
const UNSIGNED = { functionCall: { name: "get_weather", args: { city: "Rome" } } };
const GEMINI_USAGE = { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 };
const BEDROCK_HELLO = {
  output: {
    message: {
      role: "assistant",
      content: [
        { reasoningContent: { reasoningText: { text: "Let me see.", signature: "c2lnbmVk" } } },
        { text: "Hello" },
      ],
    },
  },
  stopReason: "end_turn",
  usage: { inputTokens: 5, outputTokens: 2, totalTokens: 7 },
};
const COHERE_HELLO = {
  id: "c1",
  finish_reason: "COMPLETE",
  message: { role: "assistant", content: [{ type: "text", text: "Hello" }] },
  usage: { billed_units: { input_tokens: 5, output_tokens: 2 } },
};

export const EXAMPLE = {
  tools: [
    {
      type: "function",
      function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    },
  ],
  geminiHello: {
    candidates: [{ content: { role: "model", parts: [{ text: "Hello" }] }, finishReason: "STOP" }],
    usageMetadata: GEMINI_USAGE,
  },
  geminiTools: {
    candidates: [{ content: { role: "model", parts: [SIGNED, UNSIGNED] }, finishReason: "STOP" }],
    usageMetadata: GEMINI_USAGE,
    responseId: "r1",
  },
} as const;

const HELLO: Readonly<Record<Format, JsonObject>> = {
  gemini: EXAMPLE.geminiHello,
  vertex: EXAMPLE.geminiHello,
  bedrock: BEDROCK_HELLO,
  cohere: COHERE_HELLO,
  fal: { images: [] },
};

/** A provider of one format that answers what the test says, behind a gateway. */
export interface StartedFormat {
  readonly model: string;
  readonly url: string;
  /** JSON of the next answers; a stream gets it as its only event. */
  answer: JsonObject;
  /** Events of the next answers, in place of `answer`. */
  answerStream: readonly JsonObject[] | undefined;
  /** Tokens that its token service gave. */
  tokens: number;
  lastBody(): JsonObject;
  lastPath(): string;
  send: (path: string, body: JsonObject) => Promise<Response>;
  close(): Promise<void>;
}

export async function startFormat(
  format: Format,
  model: string,
  { tokenStatus = 200 }: { readonly tokenStatus?: number } = {},
): Promise<StartedFormat> {
  const server = await startWireServer({
    title: format,
    provider: format,
    model,
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    config: () => ({ baseUrl: "" }),
    check: () => undefined,
    answer({ path }) {
      if (path !== "/token" && started.answerStream !== undefined) return sseReply(started.answerStream);
      if (path !== "/token") return jsonReply(started.answer);
      started.tokens++;
      const token = { access_token: "ya29.t", expires_in: 3_599, token_type: "Bearer" };
      return tokenStatus === 200 ? jsonReply(token) : jsonReply({ error: "invalid_grant" }, tokenStatus);
    },
  });
  const apiKey = format === "vertex" ? serviceAccount(server.url) : "test-key";
  const gateway = await startTestGateway({
    gateway: {
      providers: { [format]: { type: format, baseUrl: server.url, apiKey, models: [model] } },
      retries: { max: 0 },
    },
  });
  const last = (): WireRequest => server.seen.filter(({ path }) => path !== "/token").at(-1)!;
  const started: StartedFormat = {
    model,
    url: server.url,
    answer: HELLO[format],
    answerStream: undefined,
    tokens: 0,
    lastBody: () => last().body,
    lastPath: () => last().path,
    send: (path, body) => gateway.post(path, body),
    async close() {
      await gateway.close();
      await server.close();
    },
  };
  return started;
}

/** One request through the gateway, to chat completions unless told otherwise. */
export async function post(
  format: StartedFormat,
  body: JsonObject,
  path = "/v1/chat/completions",
): Promise<{ status: number; headers: Headers; body: JsonObject }> {
  const messages =
    path.includes("chat") || path.includes("messages") ? [{ role: "user", content: "Hello" }] : undefined;
  const response = await format.send(path, { model: format.model, ...(messages && { messages }), ...body });
  return { status: response.status, headers: response.headers, body: parseObject(await response.text()) ?? {} };
}
