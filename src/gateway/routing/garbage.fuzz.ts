import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ANTHROPIC_MESSAGE, ANTHROPIC_STREAM, OPENAI_COMPLETION, OPENAI_STREAM } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

/** A provider that sends whatever bytes it is told, headers included, and hangs up. */
let server: Server;
let bytes = Buffer.alloc(0);
let gateway: TestGateway;

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await startTestGateway({
    gateway: {
      providers: {
        oai: { baseUrl, models: ["oai-model"] },
        ant: { type: "anthropic", baseUrl, models: ["ant-model"] },
      },
      timeouts: { attempt: "500ms", streamIdle: "500ms" },
      breaker: { consecutiveFailures: 1e6, windowRequestsMin: 1e6 },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  server.close();
});

function http(body: string, contentType: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const wholes = [OPENAI_COMPLETION, ANTHROPIC_MESSAGE].map((body) => http(JSON.stringify(body), "application/json"));
const streams = [OPENAI_STREAM, ANTHROPIC_STREAM].map((pieces) => http(pieces.join(""), "text/event-stream"));

/** Good replies with some bytes replaced, or cut short, or no reply at all. */
const damaged = fc
  .record({
    reply: fc.constantFrom(...wholes, ...streams, ""),
    hits: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.boolean(),
  })
  .map(({ reply, hits, keep, cut }) => {
    const damagedBytes = Buffer.from(reply, "utf8");
    for (const [at, value] of hits) damagedBytes[Math.floor(at * damagedBytes.length)] = value;
    return cut ? damagedBytes.subarray(0, Math.floor(keep * damagedBytes.length)) : damagedBytes;
  });

test("whatever a provider sends, the client gets an answer or an error in its own shape, and a record is made", async () => {
  const ask = fc.record({
    reply: damaged,
    model: fc.constantFrom("oai-model", "ant-model"),
    path: fc.constantFrom("/v1/chat/completions", "/v1/messages"),
    stream: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(ask, async ({ reply, model, path, stream }) => {
      bytes = reply;
      const messages = [{ role: "user", content: "x" }];
      const answer = await gateway.post(path, { model, messages, max_tokens: 5, stream });
      const text = await answer.text();
      const record = await gateway.nextRecord();
      expect(record.outcome!.statusCode).toBe(answer.status);
      if (answer.status !== 200) {
        expect(JSON.parse(text).error).toMatchObject({ message: expect.any(String), gateway_code: expect.any(String) });
      } else if (stream) {
        const end = path === "/v1/messages" ? /data: .*"type":\s*"(message_stop|error)".*\n\n$/ : /data: \[DONE\]\n\n$/;
        expect(text).toMatch(end);
      } else expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 80 },
  );
});
