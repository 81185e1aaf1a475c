import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { afterEach, expect, test } from "vitest";
import { createProvider, safeText, upstreamModel } from "./provider.ts";
import { readBody, UpstreamCall } from "./upstream-call.ts";
import { UpstreamError, upstreamErrorOf } from "./upstream-error.ts";

const open: { server: Server; pool: Pool }[] = [];
afterEach(async () => {
  for (const { server, pool } of open.splice(0)) {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  }
});

async function poolTo(handler: Parameters<typeof createServer>[1]): Promise<Pool> {
  const server = createServer(handler as never);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  open.push({ server, pool });
  return pool;
}

const get = { method: "GET", path: "/" } as const;

test("a body that came before anybody asked for it is not lost", async () => {
  const pool = await poolTo((_request, reply) => void reply.end("hello"));
  const call = new UpstreamCall(pool, get);
  expect((await call.head).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await readBody(call, 100)).toString()).toBe("hello");
});

test("a sink that says stop stops the provider's socket until resume", async () => {
  let sentBytes = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const pool = await poolTo((_request, reply) => {
    const send = (): void => {
      while (sentBytes < 50 * 1024 * 1024 && !reply.writableNeedDrain) {
        reply.write(chunk);
        sentBytes += chunk.length;
      }
      if (sentBytes >= 50 * 1024 * 1024) reply.end();
    };
    reply.on("drain", send);
    send();
  });
  const call = new UpstreamCall(pool, get);
  await call.head;
  let received = 0;
  const ended = new Promise<void>((resolve, reject) => {
    let paused = false;
    call.consume({
      data: (bytes) => {
        received += bytes.length;
        if (paused) return true;
        paused = true;
        return false;
      },
      end: resolve,
      fail: reject,
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(received).toBeLessThan(1024 * 1024);
  expect(sentBytes).toBeLessThan(20 * 1024 * 1024); // What the kernel's buffers took.
  call.resume();
  await ended;
  expect(received).toBe(sentBytes);
});

test("cancel closes the connection and fails what is waiting", async () => {
  let closed = false;
  const pool = await poolTo((request) => void request.on("close", () => (closed = true)));
  const call = new UpstreamCall(pool, get);
  setTimeout(() => call.cancel("enough"), 30);
  await expect(call.head).rejects.toMatchObject({ failure: "cancelled" });
  await expect.poll(() => closed).toBe(true);
});

test("a body longer than allowed is cut off", async () => {
  const pool = await poolTo((_request, reply) => void reply.end("x".repeat(1_000)));
  const call = new UpstreamCall(pool, get);
  await call.head;
  await expect(readBody(call, 100)).rejects.toMatchObject({ failure: "protocol" });
});

test("nobody listens: connect", async () => {
  const pool = new Pool("http://127.0.0.1:9");
  await expect(new UpstreamCall(pool, get).head).rejects.toMatchObject({ failure: "connect" });
  await pool.destroy();
});

test.each([
  ["ECONNREFUSED", "connect"],
  ["ENOTFOUND", "connect"],
  ["UND_ERR_CONNECT_TIMEOUT", "connect_timeout"],
  ["UND_ERR_SOCKET", "reset"],
  ["HPE_INVALID_CONSTANT", "protocol"],
  ["CERT_HAS_EXPIRED", "connect"],
  ["SOMETHING_NEW", "protocol"],
])("%s is a failure of kind %s, and its text names no address", (code, failure) => {
  const error = upstreamErrorOf(Object.assign(new Error("connect 10.0.0.7:443"), { code }));
  expect(error).toBeInstanceOf(UpstreamError);
  expect(error.failure).toBe(failure);
  expect(error.message).not.toContain("10.0.0.7");
});

test("a provider's words lose secrets and control characters", async () => {
  const config = { type: "openai" as const, baseUrl: "http://127.0.0.1:9/v1/", apiKey: "plainkey123", models: [] };
  const provider = createProvider("moonshot", config, 1_000, false);
  expect(safeText(provider, "bad plainkey123\u0007and sk-proj-abcdef123 and Bearer xyz")).toBe(
    "bad <redacted> and <redacted> and <redacted>",
  );
  expect(safeText(provider, "x".repeat(2_000))).toHaveLength(500);
  expect(provider.displayUrl).toBe("http://127.0.0.1:9/v1");
  expect(upstreamModel(provider, "moonshot/kimi-k2")).toBe("kimi-k2");
  await provider.pool.destroy();
});

test("a provider at an address that is never called is not made, and its name is told", () => {
  const make = (baseUrl: string, trusted: boolean) => createProvider("own", { baseUrl }, 1_000, false, trusted);
  expect(() => make("http://169.254.169.254/v1", true)).toThrow(/^provider own: .*never called/);
  // What an administrator adds at run time is not trusted as the operator's own file is.
  expect(() => make("http://10.0.0.1/v1", false)).toThrow(/^provider own: .*allowPrivate/);
  expect(make("http://10.0.0.1/v1", true).name).toBe("own");
});
