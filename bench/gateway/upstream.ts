// The provider of bench/gateway: answers both formats at once, streams of 50 chunks at the pace of the request, and takes
// what a gateway pushes to logs, traces and health, so that telemetry has somewhere to go.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ANTHROPIC_MESSAGE,
  anthropicEvent,
  OPENAI_COMPLETION,
  OPENAI_USAGE,
  openAiChunk,
} from "../../src/gateway/testing/fixture-provider.ts";

const CHUNKS = 50;
const words = Array.from({ length: CHUNKS }, (_, index) => `word${index} `);

const openAiStream = [
  openAiChunk({ role: "assistant", content: "" }),
  ...words.map((content) => openAiChunk({ content })),
  openAiChunk({}, "stop"),
  `${openAiChunk({}, null, { choices: [], usage: OPENAI_USAGE })}data: [DONE]\n\n`,
];
const anthropicStream = [
  anthropicEvent("message_start", { message: { ...ANTHROPIC_MESSAGE, content: [], stop_reason: null } }) +
    anthropicEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  ...words.map((text) => anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
  anthropicEvent("content_block_stop", { index: 0 }),
  anthropicEvent("message_delta", {
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 5 },
  }) + anthropicEvent("message_stop"),
];
const openAiJson = Buffer.from(JSON.stringify({ ...OPENAI_COMPLETION, model: "gpt-4o-mini" }));
const anthropicJson = Buffer.from(JSON.stringify(ANTHROPIC_MESSAGE));

/** All open streams of one pace share one timer, as 10,000 timers would be the benchmark. */
const paces = new Map<
  number,
  Set<{ next: number; readonly pieces: readonly string[]; readonly reply: ServerResponse }>
>();

function stream(pieces: readonly string[], tickMs: number, reply: ServerResponse): void {
  reply.writeHead(200, { "content-type": "text/event-stream" });
  let streams = paces.get(tickMs);
  if (streams === undefined) {
    const all = new Set<{ next: number; readonly pieces: readonly string[]; readonly reply: ServerResponse }>();
    setInterval(() => {
      for (const one of all) {
        if (one.reply.destroyed) all.delete(one);
        else if (one.next < one.pieces.length) one.reply.write(one.pieces[one.next++]!);
        else {
          all.delete(one);
          one.reply.end();
        }
      }
    }, tickMs);
    paces.set(tickMs, all);
    streams = all;
  }
  reply.write(pieces[0]!);
  streams.add({ next: 1, pieces, reply });
}

const server = createServer((request, reply) => {
  const url = request.url!;
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    if (request.method === "GET") return reply.writeHead(404).end("{}");
    if (url.startsWith("/loki/") || url.startsWith("/internal/")) return reply.writeHead(204).end();
    if (url === "/v1/traces") return reply.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    const body = Buffer.concat(parts).toString("latin1");
    const anthropic = url.endsWith("/messages");
    if (body.includes('"stream":true')) {
      // The pace travels in a member that every gateway passes on.
      const tickMs = Number(/"(?:user|user_id)":"tick-(\d+)"/.exec(body)?.[1] ?? 10);
      return stream(anthropic ? anthropicStream : openAiStream, tickMs, reply);
    }
    const json = anthropic ? anthropicJson : openAiJson;
    return reply.writeHead(200, { "content-type": "application/json", "content-length": json.length }).end(json);
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => process.send!({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
