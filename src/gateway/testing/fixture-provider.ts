import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "../json.ts";

interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  /** Resolves when the gateway closes this request's connection before the answer is complete. */
  readonly aborted: Promise<void>;
}

export type FixtureAnswer = (request: SeenRequest, reply: ServerResponse) => void | Promise<void>;

/** A provider for tests: answers as told and remembers what it was asked. */
export interface FixtureProvider {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly seen: SeenRequest[];
  answer: FixtureAnswer;
  close(): Promise<void>;
}

/** Model lists (`GET`) are answered with 404, so that the gateway takes every model on trust. */
export async function startFixtureProvider(answer: FixtureAnswer): Promise<FixtureProvider> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, reply) => {
    if (request.method === "GET") {
      reply.writeHead(404).end("{}");
      return;
    }
    const text = await readText(request);
    const aborted = new Promise<void>((resolve) => {
      reply.once("close", () => {
        if (!reply.writableFinished) resolve();
      });
    });
    const entry = { path: request.url ?? "", headers: request.headers, body: JSON.parse(text) as JsonObject, aborted };
    seen.push(entry);
    await fixture.answer(entry, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const fixture: FixtureProvider = {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fixture;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): FixtureAnswer {
  return (_request, reply) => {
    reply.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

/** An event stream of these raw pieces; `end` false leaves it open, `drop` cuts the connection after the last piece. */
export function sse(pieces: readonly string[], how: "end" | "open" | "drop" = "end"): FixtureAnswer {
  return (_request, reply) => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) reply.write(piece);
    if (how === "end") reply.end();
    // A moment first, or the pieces would be lost together with the connection.
    if (how === "drop") setTimeout(() => reply.destroy(), 30);
  };
}

export const hang: FixtureAnswer = () => undefined;

export function openAiChunk(delta: JsonObject, finishReason: string | null = null, rest: JsonObject = {}): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m-1", choices, usage: null };
  return `data: ${JSON.stringify({ ...base, ...rest })}\n\n`;
}

export const OPENAI_USAGE = {
  prompt_tokens: 20,
  completion_tokens: 5,
  total_tokens: 25,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

/** "Hello world" as OpenAI streams it, usage included. */
export const OPENAI_STREAM: readonly string[] = [
  openAiChunk({ role: "assistant", content: "" }),
  openAiChunk({ content: "Hello" }),
  openAiChunk({ content: " world" }),
  openAiChunk({}, "stop"),
  openAiChunk({}, null, { choices: [], usage: OPENAI_USAGE }),
  "data: [DONE]\n\n",
];

export const OPENAI_COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m-1",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello world", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: OPENAI_USAGE,
};

/** Two parallel tool calls. */
export const OPENAI_TOOL_COMPLETION = {
  ...OPENAI_COMPLETION,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } },
          { id: "call_b", type: "function", function: { name: "get_weather", arguments: '{"city":"Rome"}' } },
        ],
      },
      finish_reason: "tool_calls",
    },
  ],
};

export const OPENAI_TOOL_STREAM: readonly string[] = [
  openAiChunk({ role: "assistant", content: null }),
  openAiChunk({
    tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: "get_weather", arguments: "" } }],
  }),
  openAiChunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  openAiChunk({
    tool_calls: [{ index: 1, id: "call_b", type: "function", function: { name: "get_weather", arguments: '{"ci' } }],
  }),
  openAiChunk({ tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] }),
  openAiChunk({ tool_calls: [{ index: 1, function: { arguments: 'ty":"Rome"}' } }] }),
  openAiChunk({}, "tool_calls"),
  openAiChunk({}, null, { choices: [], usage: OPENAI_USAGE }),
  "data: [DONE]\n\n",
];

export function anthropicEvent(type: string, members: JsonObject = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

const ANTHROPIC_USAGE = {
  input_tokens: 10,
  cache_creation_input_tokens: 2,
  cache_read_input_tokens: 8,
  output_tokens: 5,
};

export const ANTHROPIC_MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m-1",
  content: [{ type: "text", text: "Hello world" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: ANTHROPIC_USAGE,
};

const ANTHROPIC_START = anthropicEvent("message_start", {
  message: { ...ANTHROPIC_MESSAGE, content: [], stop_reason: null, usage: { ...ANTHROPIC_USAGE, output_tokens: 1 } },
});

/** "Hello world" as Anthropic streams it. */
export const ANTHROPIC_STREAM: readonly string[] = [
  ANTHROPIC_START,
  anthropicEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  anthropicEvent("ping"),
  anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hello" } }),
  anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: " world" } }),
  anthropicEvent("content_block_stop", { index: 0 }),
  anthropicEvent("message_delta", {
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 5 },
  }),
  anthropicEvent("message_stop"),
];

export const ANTHROPIC_TOOL_MESSAGE = {
  ...ANTHROPIC_MESSAGE,
  content: [
    { type: "text", text: "Looking." },
    { type: "tool_use", id: "toolu_a", name: "get_weather", input: { city: "Oslo" } },
    { type: "tool_use", id: "toolu_b", name: "get_weather", input: { city: "Rome" } },
  ],
  stop_reason: "tool_use",
};

export const ANTHROPIC_TOOL_STREAM: readonly string[] = [
  ANTHROPIC_START,
  ...["Oslo", "Rome"].flatMap((city, index) => [
    anthropicEvent("content_block_start", {
      index,
      content_block: { type: "tool_use", id: `toolu_${index}`, name: "get_weather", input: {} },
    }),
    anthropicEvent("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: '{"city":' } }),
    anthropicEvent("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: `"${city}"}` } }),
    anthropicEvent("content_block_stop", { index }),
  ]),
  anthropicEvent("message_delta", {
    delta: { stop_reason: "tool_use", stop_sequence: null },
    usage: { output_tokens: 5 },
  }),
  anthropicEvent("message_stop"),
];
