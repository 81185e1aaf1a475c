import { afterEach, describe, expect, test } from "vitest";
import { testContext } from "../../runtime/testing.ts";
import { exportRequest, spanIdOf, traceIdOf } from "../testing.ts";
import { createOtlpHttpServer } from "./otlp-http.ts";
import { MalformedRequestError, type Receiver, StoreUnavailableError } from "./receiver.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serverWith(accept: Receiver["accept"], overrides: Parameters<typeof testContext>[1] = {}) {
  const context = await testContext("traces", overrides);
  closers.push(() => context.dispose());
  const app = createOtlpHttpServer(context, { accept } as Receiver);
  closers.push(() => app.close());
  const send = (headers: Record<string, string> = {}) =>
    app.inject({
      method: "POST",
      url: "/v1/traces",
      headers: { "content-type": "application/x-protobuf", ...headers },
      payload: Buffer.from(exportRequest([{ traceId: traceIdOf(1), spanId: spanIdOf(1) }])),
    });
  return { context, send };
}

const accepted = async () => ({ rejectedSpans: 0, errorMessage: "" });

describe("OTLP/HTTP receiver", () => {
  test("a store that cannot write is 503 with Retry-After, so that the exporter keeps its spans", async () => {
    const { send } = await serverWith(() => Promise.reject(new StoreUnavailableError("disk full")));
    const response = await send();
    expect(response.statusCode).toBe(503);
    expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
    expect(response.rawPayload.includes("disk full")).toBe(true);
  });

  test("a malformed request is 400, which no exporter retries", async () => {
    const { send } = await serverWith(() => Promise.reject(new MalformedRequestError("malformed OTLP request: x")));
    expect((await send()).statusCode).toBe(400);
  });

  test("what went wrong inside is logged and not told", async () => {
    const { send, context } = await serverWith(() => Promise.reject(new Error("secret detail")));
    const response = await send();
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain("secret detail");
    expect(JSON.stringify(context.lines)).toContain("secret detail");
  });

  test("asks for the key before it unfolds anything", async () => {
    const { send } = await serverWith(accepted, { host: "0.0.0.0", engineKey: "engine-key-123" });
    expect((await send()).statusCode).toBe(401);
    expect((await send({ "content-encoding": "gzip" })).statusCode).toBe(401);
    expect((await send({ authorization: "Bearer engine-key-123" })).statusCode).toBe(200);
  });

  test("a bad encoding is named", async () => {
    const { send } = await serverWith(accepted);
    expect((await send({ "content-encoding": "gzip" })).statusCode).toBe(400);
    expect((await send({ "content-encoding": "lzma" })).statusCode).toBe(415);
  });
});
