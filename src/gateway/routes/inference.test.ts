import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen } from "../../runtime/http-server.ts";
import { TEST_ADMIN_KEY, testContext } from "../../runtime/testing.ts";
import { assembleGateway, createProviders } from "../assemble.ts";
import { createGatewayServer } from "../server.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { Conversation } from "../translation/conversation.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";

/** A route with a bug in it: what must never happen, and what a client sees when it does. */
const faulty: InferenceRoute = {
  validate() {
    throw new TypeError("secret: cannot read properties of undefined");
  },
  begin: (body, { traceId }) => new Conversation("openai", body, traceId),
};

const telemetry = recordingTelemetry();
let context: Awaited<ReturnType<typeof testContext>>;
let app: ReturnType<typeof createGatewayServer>;
let url: string;

beforeAll(async () => {
  context = await testContext("gateway", { mode: "live" });
  const gateway = assembleGateway(context, createProviders(context, undefined), telemetry, "", () => undefined);
  app = createGatewayServer(gateway);
  app.post("/faulty", (request, reply) => serveInference(gateway, faulty, request, reply));
  url = await listen(app, "127.0.0.1", 0);
});
afterAll(async () => {
  await app.close();
  await context.dispose();
});

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> => {
  return fetch(`${url}/faulty`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, ...headers },
    body,
  });
};

test("a client that writes 60 MB before it reads gets its 413, not a broken pipe", async () => {
  const { hostname, port } = new URL(url);
  const body = Buffer.alloc(60 * 1024 * 1024, "x");
  const socket = connect({ host: hostname, port: Number(port) });
  const written = new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    const head = [
      "POST /faulty HTTP/1.1",
      "host: x",
      `x-api-key: ${TEST_ADMIN_KEY}`,
      `content-length: ${body.length}`,
      "",
      "",
    ];
    socket.write(head.join("\r\n"));
    socket.write(body, () => resolve());
  });
  await written;
  const [reply] = (await once(socket, "data")) as [Buffer];
  expect(reply.toString()).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
  await expect.poll(() => telemetry.records.length).toBe(1);
  telemetry.records.length = 0;
});

test("a bug is a 500 without internals, an event, and a log line with the request id", async () => {
  const reply = await post("{}");
  expect(reply.status).toBe(500);
  const { error } = (await reply.json()) as { error: { message: string; gateway_code: string; request_id: string } };
  expect(error.gateway_code).toBe("INTERNAL_ERROR");
  expect(error.message).not.toContain("secret");
  expect(telemetry.events).toContainEqual({ name: "uncaughtError", type: "TypeError" });
  expect(context.lines).toContainEqual(expect.objectContaining({ level: "error", requestId: error.request_id }));
  await expect.poll(() => telemetry.records.length).toBe(1);
  expect(telemetry.records[0]!.outcome).toMatchObject({ statusCode: 500, error: { code: "INTERNAL_ERROR" } });
});

test.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number, string]>([
  ["no JSON", "{", {}, 400, "INVALID_JSON"],
  ["an array", "[]", {}, 400, "INVALID_JSON"],
  ["nothing", "", {}, 400, "INVALID_JSON"],
  ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, "INVALID_JSON"],
  ["deep nesting", "[".repeat(200_000), {}, 400, "INVALID_JSON"],
  ["no gzip", "{}", { "content-encoding": "gzip" }, 400, "INVALID_JSON"],
  ["an unknown encoding", "{}", { "content-encoding": "rot13" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
])("a body of %s is refused before anybody reads it", async (_name, body, headers, status, code) => {
  const reply = await post(body, headers);
  expect(reply.status).toBe(status);
  expect(await reply.json()).toMatchObject({ error: { gateway_code: code } });
});
