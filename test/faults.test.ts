import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Stack, temporaryDir } from "./support/stack.ts";

/** Canaries: strings that must appear nowhere but where they were put. */
const ADMIN_CANARY = "gw_test_canary_admin_93f1c7";
const PROVIDER_CANARY = "sk-canary-provider-51be02";

let stack: Stack;
let provider: Server;
let behaviour = "ok";
beforeAll(async () => {
  provider = createServer((request, response) => {
    request.resume();
    if (request.url!.endsWith("/models")) {
      response.setHeader("content-type", "application/json");
      return response.end(
        JSON.stringify({
          object: "list",
          data: [{ id: "gpt-4o-mini", object: "model", created: 1, owned_by: "test" }],
        }),
      );
    }
    if (behaviour === "hang") return undefined;
    if (behaviour === "garbage") return response.end("<html>not an API</html>");
    if (behaviour === "drop") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}]}\n\n',
      );
      return setTimeout(() => response.destroy(), 100);
    }
    response.writeHead(401, { "content-type": "application/json" });
    return response.end(
      JSON.stringify({
        error: {
          message: `Incorrect API key provided: ${request.headers.authorization}`,
          type: "invalid_request_error",
          code: "invalid_api_key",
        },
      }),
    );
  });
  await new Promise<void>((done) => provider.listen(0, "127.0.0.1", done));
  const { port } = provider.address() as { port: number };
  stack = await Stack.start({
    adminKey: ADMIN_CANARY,
    environment: {
      OPENAI_API_KEY: PROVIDER_CANARY,
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      GATEWAYZ_DASHBOARDS_PASSWORD: "pw-canary-77aa",
    },
  });
});
afterAll(async () => {
  await stack?.dispose();
  provider.closeAllConnections();
  provider.close();
});

const HEADERS = { authorization: `Bearer ${ADMIN_CANARY}`, "content-type": "application/json" };

async function send(
  path: string,
  body: BodyInit,
  headers: Record<string, string> = HEADERS,
): Promise<{ status: number; body: Record<string, Record<string, unknown>>; text: string }> {
  const reply = await fetch(stack.url("gateway") + path, { method: "POST", headers, body });
  const text = await reply.text();
  return {
    status: reply.status,
    text,
    body: text.startsWith("{") ? (JSON.parse(text) as Record<string, Record<string, unknown>>) : {},
  };
}
const chat = (extra: Record<string, unknown> = {}) =>
  JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "hi" }], ...extra });

describe("the gateway answers precisely", () => {
  test("a wrong key is 401 in the client's own shape", async () => {
    const wrong = { ...HEADERS, authorization: "Bearer gw_wrong_key_123" };
    const openai = await send("/v1/chat/completions", chat(), wrong);
    expect([openai.status, typeof openai.body["error"]!["message"], openai.body["error"]!["type"]]).toEqual([
      401,
      "string",
      "invalid_request_error",
    ]);
    const anthropic = await send("/v1/messages", chat({ max_tokens: 5 }), {
      "x-api-key": "gw_wrong_key_123",
      "content-type": "application/json",
    });
    expect([anthropic.status, anthropic.body["type"], anthropic.body["error"]!["type"]]).toEqual([
      401,
      "error",
      "authentication_error",
    ]);
    expect(openai.text + anthropic.text).not.toContain("gw_wrong_key_123");
  });

  test("broken, deep, empty and oversized bodies, unknown models", async () => {
    expect((await send("/v1/chat/completions", "{")).status).toBe(400);
    expect((await send("/v1/chat/completions", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`)).status).toBe(400);
    expect((await send("/v1/chat/completions", chat({ messages: [] }))).status).toBe(400);
    expect((await send("/v1/chat/completions", chat({ temperature: 9 }))).status).toBe(400);
    expect((await send("/v1/messages", chat())).status).toBe(400);
    expect((await send("/v1/chat/completions", chat({ model: "no-such-model" }))).status).toBe(404);
    const large = await send("/v1/chat/completions", Buffer.alloc(100 * 1024 * 1024, 0x20)).catch((error: Error) => ({
      status: 413,
      text: error.message,
    }));
    expect(large.status).toBe(413);
  });

  test("an upstream that answers garbage, refuses the key, drops mid-stream", async () => {
    behaviour = "garbage";
    const garbage = await send("/v1/chat/completions", chat());
    expect([garbage.status, garbage.body["error"]!["gateway_code"]]).toEqual([502, "PROVIDER_INVALID_RESPONSE"]);
    behaviour = "key";
    const refused = await send("/v1/chat/completions", chat());
    expect(refused.status).toBe(502);
    expect(refused.text).not.toContain(PROVIDER_CANARY);
    behaviour = "drop";
    const dropped = await send("/v1/chat/completions", chat({ stream: true }));
    expect(dropped.text).toMatch(/data: \{"error":/);
    expect(dropped.text.trimEnd()).toMatch(/data: \[DONE\]$/);
    behaviour = "ok";
  });

  test("each failure is a number", async () => {
    const text = await (await fetch(`${stack.url("gateway")}/metrics`, { headers: HEADERS })).text();
    for (const status of ["400", "401", "404", "502"])
      expect(text).toMatch(new RegExp(`^http_requests_total\\{[^}]*status_code="${status}"[^}]*\\} [1-9]`, "m"));
    expect(text).toMatch(/^model_inference_requests_total\{[^}]*status="error"[^}]*\} [1-9]/m);
  });
});

describe("every role", () => {
  const routes = [
    { role: "logs", path: "/loki/api/v1/push", type: "application/json" },
    { role: "traces", path: "/api/search", type: "application/json" },
    { role: "otlpHttp", path: "/v1/traces", type: "application/json" },
    { role: "metrics", path: "/api/v1/write", type: "application/x-protobuf" },
    { role: "health", path: "/internal/results", type: "application/json" },
    { role: "dashboards", path: "/api/dashboards/db", type: "application/json" },
    { role: "gateway", path: "/v1/chat/completions", type: "application/json" },
  ] as const;
  const basic = `Basic ${Buffer.from("admin:pw-canary-77aa").toString("base64")}`;

  for (const { role, path, type } of routes) {
    const post = (body: Buffer<ArrayBuffer> | string, encoding?: string) =>
      fetch(stack.url(role) + path, {
        method: "POST",
        headers: {
          "content-type": type,
          authorization: role === "dashboards" ? basic : `Bearer ${ADMIN_CANARY}`,
          ...(encoding === undefined ? {} : { "content-encoding": encoding }),
        },
        body,
      });

    test(`${role}: invalid UTF-8, NUL, lone surrogates, __proto__ and garbage are refused or stored, never a crash`, async () => {
      const bodies: (Buffer<ArrayBuffer> | string)[] = [
        Buffer.from([0xff, 0xfe, 0x00, 0x80]),
        '{"__proto__":{"polluted":true},"streams":[{"stream":{"__proto__":"x"},"values":[["1","\\u0000\\ud800"]]}]}',
        `{"a":"${"\\ud800".repeat(100)}"}`,
        "[".repeat(100_000),
        Buffer.alloc(64, 0x0a),
        "",
      ];
      for (const body of bodies) {
        const reply = await post(body);
        await reply.arrayBuffer();
        expect(reply.status, `${role} on ${String(body).slice(0, 30)}`).toBeLessThan(500);
      }
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });

    test(`${role}: a zip bomb is refused before its memory is used`, async () => {
      const reply = await post(gzipSync(Buffer.alloc(128 * 1024 * 1024)), "gzip");
      await reply.arrayBuffer();
      expect([400, 404, 405, 413, 415]).toContain(reply.status);
    });
  }

  test("a connection that sends nothing, or its headers byte by byte, does not keep others waiting", async () => {
    const sockets = (["gateway", "health", "metrics", "logs", "traces", "dashboards"] as const).map((role) => {
      const socket = connect(stack.ports[role], "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHo"));
      socket.on("error", () => socket.destroy());
      return socket;
    });
    expect((await fetch(`${stack.url("dashboards")}/api/health`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  test("all roles are still the processes that were started", () => {
    expect(stack.lines.filter(({ msg }) => msg === "role ended")).toEqual([]);
  });
});

test("paths that climb find nothing, in every spelling, on every role", async () => {
  const spellings = [
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e/etc/passwd",
    "//etc/passwd",
    "/public/..%2f..%2fpackage.json",
    "/public/%00",
    "/d/..%2f..%2fetc",
  ];
  for (const role of ["gateway", "health", "metrics", "logs", "traces", "dashboards"] as const) {
    for (const path of spellings) {
      const text = await new Promise<string>((done) => {
        let answer = "";
        const socket = connect(stack.ports[role], "127.0.0.1", () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
        );
        socket.on("data", (chunk) => void (answer += chunk));
        socket.on("close", () => done(answer));
        socket.on("error", () => done(answer));
      });
      expect(text, `${role} ${path}`).not.toMatch(/root:x:|"workspaces"/);
      expect(text, `${role} ${path}`).not.toMatch(/^HTTP\/1\.1 5/);
    }
  }
});

test("no secret is in any output, log, metric, trace or file that others read", async () => {
  const canaries = [ADMIN_CANARY, PROVIDER_CANARY, "pw-canary-77aa"];
  const texts: Record<string, string> = { output: stack.output };
  for (const role of ["health", "metrics", "logs", "traces", "dashboards"] as const) {
    const path = role === "health" ? "/prometheus/metrics" : "/metrics";
    texts[role] = await (await fetch(stack.url(role) + path)).text();
  }
  texts["gateway"] = await (await fetch(`${stack.url("gateway")}/metrics`, { headers: HEADERS })).text();
  texts["config"] = await (await fetch(`${stack.url("metrics")}/api/v1/status/config`)).text();
  texts["targets"] = await (await fetch(`${stack.url("metrics")}/api/v1/targets`)).text();
  texts["stored logs"] = await (
    await fetch(`${stack.url("logs")}/loki/api/v1/query_range?limit=5000&query=${encodeURIComponent('{app=~".+"}')}`)
  ).text();
  texts["stored traces"] = await (
    await fetch(`${stack.url("traces")}/api/search?limit=500&q=${encodeURIComponent("{} | select(span.http.url)")}`)
  ).text();
  for (const [place, text] of Object.entries(texts))
    for (const canary of canaries) expect(text.includes(canary), `${canary} in ${place}`).toBe(false);
  for (const role of ["metrics", "logs", "traces", "health"]) {
    for (const file of filesBelow(join(stack.dataDir, role))) {
      const bytes = readFileSync(file);
      for (const canary of canaries) expect(bytes.includes(canary), `${canary} in ${file}`).toBe(false);
    }
  }
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test.skipIf(process.getuid?.() === 0)(
  "a data folder that cannot be written is one clear line and an exit code (needs a user other than root)",
  async () => {
    const dir = join(temporaryDir("readonly"), "data");
    mkdirSync(dir);
    chmodSync(dir, 0o500);
    await expect(Stack.start({ roles: ["logs"], environment: { GATEWAYZ_DATA: dir } })).rejects.toThrow(
      /gatewayz: .*EACCES/,
    );
  },
);
