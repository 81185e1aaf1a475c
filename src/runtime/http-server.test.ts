import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { isLoopbackHost, keyMatches, presentedKeys } from "./auth.ts";
import { HttpError } from "./http-error.ts";
import { createHttpServer, listen } from "./http-server.ts";
import { freePort, portOwner, probePort } from "./ports.ts";
import { type TestContext, testContext } from "./testing.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function serve(host: string, engineKey: string | undefined): Promise<{ url: string; context: TestContext }> {
  const context = await testContext("logs", { host, engineKey });
  const app = createHttpServer(context, { auth: "engine", openPaths: ["/ready"], bodyBytesMax: 1_000 });
  app.get("/ready", async () => "ready");
  app.get("/data", async () => "data");
  app.get("/full", async () => {
    throw new HttpError(503, "disk is full", 7);
  });
  app.get("/bug", async () => {
    throw new Error("secret internals");
  });
  app.post("/echo", async (request) => request.body);
  const url = await listen(app, host, 0);
  cleanups.push(
    () => app.close(),
    () => context.dispose(),
  );
  return { url, context };
}

test("on loopback without a key everything is open", async () => {
  const { url } = await serve("127.0.0.1", undefined);
  expect((await fetch(`${url}/data`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toBeDefined();
});

test("beyond loopback everything but readiness asks for the engine key, as bearer or basic", async () => {
  const { url } = await serve("0.0.0.0", "engine-key-1");
  const status = async (path: string, authorization?: string): Promise<number> =>
    (await fetch(url + path, { headers: authorization === undefined ? {} : { authorization } })).status;
  expect(await status("/ready")).toBe(200);
  expect(await status("/data")).toBe(401);
  expect((await fetch(`${url}/metrics`)).headers.get("www-authenticate")).toMatch(/^Bearer realm=.*, Basic realm=/);
  expect(await status("/metrics")).toBe(401);
  expect(await status("/data", "Bearer engine-key-2")).toBe(401);
  expect(await status("/data", "Bearer engine-key-1")).toBe(200);
  expect(await status("/data", `Basic ${Buffer.from("any:engine-key-1").toString("base64")}`)).toBe(200);
});

test("beyond loopback without any key nothing but readiness is answered", async () => {
  const { url } = await serve("0.0.0.0", undefined);
  expect((await fetch(`${url}/data`)).status).toBe(401);
  expect((await fetch(`${url}/ready`)).status).toBe(200);
});

test("errors: deliberate ones keep their words and Retry-After, accidents show nothing and are logged", async () => {
  const { url, context } = await serve("127.0.0.1", undefined);
  const full = await fetch(`${url}/full`);
  expect([full.status, full.headers.get("retry-after"), await full.json()]).toEqual([
    503,
    "7",
    { error: "disk is full" },
  ]);
  const bug = await fetch(`${url}/bug`);
  expect([bug.status, await bug.text()]).toEqual([500, '{"error":"internal error"}']);
  expect(context.lines.find((line) => line["msg"] === "request failed")).toMatchObject({
    error: "secret internals",
    path: "/bug",
  });
});

test("bodies arrive as bytes and are limited", async () => {
  const { url } = await serve("127.0.0.1", undefined);
  const post = (body: string) =>
    fetch(`${url}/echo`, { method: "POST", body, headers: { "content-type": "application/json" } });
  expect(await (await post("{not json")).text()).toBe("{not json");
  expect((await post("x".repeat(1_001))).status).toBe(413);
});

test("a request with two lengths is refused and its connection closed", async () => {
  const { url } = await serve("127.0.0.1", undefined);
  const { port } = new URL(url);
  const answer = await new Promise<string>((resolve) => {
    let text = "";
    const socket = connect(Number(port), "127.0.0.1", () => {
      socket.write(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /data HTTP/1.1\r\nHost: a\r\n\r\n",
      );
    });
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("close", () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).not.toContain("200 OK");
});

test("keys are read from every place clients put them, and compared whole", () => {
  expect(presentedKeys({ authorization: "bearer abc", "x-api-key": "def" })).toEqual(["abc", "def"]);
  expect(presentedKeys({ authorization: "Basic !!!" })).toEqual([]);
  expect(keyMatches("a", "ab")).toBe(false);
  expect(["localhost", "127.0.0.1", "127.9.9.9", "::1"].map(isLoopbackHost)).toEqual([true, true, true, true]);
  expect(["0.0.0.0", "127.0.0.1.evil.example", "10.0.0.1"].map(isLoopbackHost)).toEqual([false, false, false]);
});

test("a taken port is recognised and its owner named", async () => {
  const { url } = await serve("127.0.0.1", undefined);
  const port = Number(new URL(url).port);
  expect(await probePort("127.0.0.1", port)).toBe("EADDRINUSE");
  expect(portOwner(port)).toContain(`(pid ${process.pid})`);
  const free = await freePort("127.0.0.1");
  expect(await probePort("127.0.0.1", free)).toBeUndefined();
});

test.each([{ length: "content-length: 30000000" }, { length: "transfer-encoding: chunked" }])(
  "a client that writes 30 MB before it reads gets its 413, not a broken pipe ($length)",
  async ({ length }) => {
    const { url } = await serve("127.0.0.1", undefined);
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const chunk = Buffer.alloc(1_000_000, "x");
    const chunked = length.endsWith("chunked");
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.write(`POST /echo HTTP/1.1\r\nhost: x\r\n${length}\r\n\r\n`);
      for (let index = 0; index < 30; index++) {
        if (chunked) socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk, index === 29 && !chunked ? () => resolve() : undefined);
        if (chunked) socket.write("\r\n");
      }
      if (chunked) socket.write("0\r\n\r\n", () => resolve());
    });
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  },
);
