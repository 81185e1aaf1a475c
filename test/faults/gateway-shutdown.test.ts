import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request as send } from "undici";
import { expect, test } from "vitest";
import {
  anthropicEvent,
  type FixtureAnswer,
  openAiChunk,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import { NO_LIMITS, startGatewayStack } from "../support/gateway-stack.ts";
import { until } from "../support/until.ts";

/** SIGTERM while streams are open (FAULTS row 2). */
const STREAMS = 100;
/** The gateway lets streams go on for 9 s and gives them a second to hear of its end. */
const EXIT_MS_MAX = 13_000;
const SHORT_STREAM_MS = 2_500;

/** Half of the streams end by themselves within the drain, the others never. */
const provider: FixtureAnswer = async ({ path, body }, reply) => {
  const anthropic = path.endsWith("/messages");
  const word = anthropic
    ? anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: "word " } })
    : openAiChunk({ content: "word " });
  reply.writeHead(200, { "content-type": "text/event-stream" });
  if (anthropic) {
    const usage = { input_tokens: 5, output_tokens: 1 };
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [],
      stop_reason: null,
      usage,
    };
    reply.write(anthropicEvent("message_start", { message }));
    reply.write(anthropicEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }));
  }
  const endsAtMs = body["max_tokens"] === 7 ? Date.now() + SHORT_STREAM_MS : Number.POSITIVE_INFINITY;
  while (!reply.destroyed && Date.now() < endsAtMs) {
    reply.write(word);
    await sleep(250);
  }
  if (anthropic) {
    reply.write(anthropicEvent("content_block_stop", { index: 0 }));
    reply.write(anthropicEvent("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }));
    reply.end(anthropicEvent("message_stop"));
  } else {
    reply.write(openAiChunk({}, "stop"));
    reply.end("data: [DONE]\n\n");
  }
};

type End = "whole" | "told" | "cut";

function endOf(text: string, anthropic: boolean): End {
  const told = text.includes('"error"');
  if (told && !/shutting down/i.test(text)) return "cut";
  if (anthropic) return told ? "told" : text.includes("event: message_stop") ? "whole" : "cut";
  if (!text.endsWith("data: [DONE]\n\n")) return "cut";
  return told ? "told" : text.includes('"finish_reason":"stop"') ? "whole" : "cut";
}

test.concurrent.each([
  { workers: 1, whom: "the whole group, as a terminal does" },
  { workers: 2, whom: "the supervisor alone, as a platform does" },
])(
  "$workers worker(s), SIGTERM to $whom: every stream ends whole or is told, and everything exits in time",
  async ({ workers }) => {
    const fixture = await startFixtureProvider(provider);
    const stack = await startGatewayStack({
      workers,
      limits: NO_LIMITS,
      concurrency: { active: 2 * STREAMS },
      providers: {
        oai: { baseUrl: `${fixture.url}/v1`, models: ["oai-m"] },
        ant: { type: "anthropic", baseUrl: fixture.url, models: ["ant-m"] },
      },
    });
    const dispatcher = new Agent({ connections: STREAMS, pipelining: 1 });
    let begun = 0;
    const streams = Array.from({ length: STREAMS }, async (_, index) => {
      // Clients and providers of both formats, so that half are passed through and half are translated.
      const anthropic = index % 4 >= 2;
      const reply = await send(stack.url("gateway") + (anthropic ? "/v1/messages" : "/v1/chat/completions"), {
        dispatcher,
        method: "POST",
        headers: { authorization: `Bearer ${stack.adminKey}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: index % 8 < 4 ? "oai-m" : "ant-m",
          stream: true,
          max_tokens: index % 2 === 0 ? 7 : 8,
          messages: [{ role: "user", content: "x" }],
        }),
      });
      let text = "";
      let first = true;
      for await (const chunk of reply.body) {
        if (first) begun++;
        first = false;
        text += String(chunk);
      }
      return { short: index % 2 === 0, end: endOf(text, anthropic), tail: text.slice(-300) };
    });
    const ends = Promise.allSettled(streams);
    await until("all streams have begun", () => begun === STREAMS, 30_000);
    const startedAtMs = Date.now();
    if (workers === 1) await stack.stop("SIGTERM");
    else {
      const exited = new Promise((resolve) => stack.process.once("exit", resolve));
      process.kill(stack.process.pid!, "SIGTERM");
      // What comes while it drains is refused, at the door or with a word.
      await sleep(500);
      const late = await send(`${stack.url("gateway")}/health/quick`).catch(() => undefined);
      expect([undefined, 503]).toContain(late?.statusCode);
      await exited;
    }
    const tookMs = Date.now() - startedAtMs;
    const results = (await ends).map((one) =>
      one.status === "fulfilled" ? one.value : { short: true, end: "cut" as End, tail: String(one.reason) },
    );
    process.stdout.write(`${STREAMS} streams, ${workers} worker(s): ended ${tookMs} ms after SIGTERM\n`);
    expect(results.filter(({ end }) => end === "cut")).toEqual([]);
    expect(results.filter(({ short, end }) => short && end === "told")).toEqual([]);
    expect(results.filter(({ short, end }) => !short && end === "whole")).toEqual([]);
    expect(tookMs).toBeLessThan(EXIT_MS_MAX);
    await dispatcher.close();
    await fixture.close();
    await stack.dispose();
  },
);
