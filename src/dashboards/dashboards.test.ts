import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { ConfigInput } from "../config/schema.ts";
import { type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";
import { Sessions } from "./session.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const BASIC = `Basic ${Buffer.from("admin:pass-1").toString("base64")}`;

/** A role on a folder of its own with a built UI of one line, one own dashboard, and an engine that echoes. */
async function startRole(overrides: ConfigInput = {}, environment: Record<string, string> = {}) {
  const installDir = mkdtempSync(join(tmpdir(), "gatewayz-dashboards-"));
  cleanups.push(() => rmSync(installDir, { recursive: true, force: true }));
  mkdirSync(join(installDir, "web/dist"), { recursive: true });
  writeFileSync(join(installDir, "web/dist/index.html"), "<!doctype html><title>ui</title>");
  writeFileSync(join(installDir, "web/dist/app.js"), "1");
  mkdirSync(join(installDir, "dashboards"));
  writeFileSync(
    join(installDir, "dashboards/own.json"),
    JSON.stringify({ uid: "own", title: "Own Board", tags: ["a"] }),
  );
  const engine = await startEngine();
  const dropDir = join(installDir, "drop");
  mkdirSync(dropDir);
  Object.assign(process.env, environment);
  const context: TestContext = await testContext("dashboards", {
    mode: "demo",
    ...overrides,
    peers: { metrics: engine.url, logs: engine.url, traces: engine.url, ...overrides.peers },
    dashboards: { password: "pass-1", dashboardFolders: [dropDir], ...overrides.dashboards },
  });
  const role = await start({ ...context, config: { ...context.config, installDir } });
  cleanups.push(
    () => context.dispose(),
    () => role.close(),
  );
  return { url: role.urls["main"]!, engine, dropDir, context };
}

interface Engine {
  url: string;
  requests: { url: string; headers: Record<string, unknown>; body: string }[];
}

async function startEngine(): Promise<Engine> {
  const requests: Engine["requests"] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      requests.push({ url: request.url!, headers: request.headers, body });
      if (request.url!.startsWith("/hang")) return;
      response.writeHead(request.url!.startsWith("/bad") ? 400 : 200, {
        "content-type": "application/json",
        "set-cookie": "evil=1",
      });
      response.end('{"status":"success"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const get = (url: string, headers: Record<string, string> = { authorization: BASIC }) =>
  fetch(url, { headers, redirect: "manual" });

const json = async (reply: Response): Promise<Record<string, unknown>> =>
  (await reply.json()) as Record<string, unknown>;

/** `fetch` forbids setting Host and tidies paths; attackers do neither. */
function getAs(url: string, host: string, headers: Record<string, string> = {}): Promise<number> {
  const [origin, port, path] = /^http:\/\/([\d.]+):(\d+)(.*)$/.exec(url)!.slice(1);
  return new Promise((resolve, reject) => {
    httpRequest({ host: origin, port, path, headers: { host, ...headers } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on("error", reject)
      .end();
  });
}

describe("who may see what", () => {
  test("the API without credentials is 401 in Grafana's shape, with wrong ones too", async () => {
    const { url } = await startRole();
    const nobody = await get(`${url}/api/datasources`, {});
    expect([nobody.status, await nobody.json()]).toEqual([
      401,
      { message: "Unauthorized", messageId: "auth.unauthorized", statusCode: 401, traceID: "" },
    ]);
    const wrong = await get(`${url}/api/datasources`, {
      authorization: `Basic ${Buffer.from("admin:nope").toString("base64")}`,
    });
    expect([wrong.status, (await json(wrong)).message]).toEqual([401, "Invalid username or password"]);
    expect((await get(`${url}/api/datasources`)).status).toBe(200);
  });

  test("demo on loopback opens every page with a session cookie, and the cookie opens the API", async () => {
    const { url } = await startRole();
    for (const page of ["/", "/dashboards", "/d/own", "/explore", "/login?theme=dark"]) {
      const reply = await get(url + page, {});
      expect(reply.status).toBe(200);
      expect(reply.headers.get("content-security-policy")).toContain("default-src 'self'");
      const cookie = reply.headers.get("set-cookie")!;
      expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
      expect((await get(`${url}/api/search`, { cookie: cookie.split(";")[0]! })).status).toBe(200);
    }
  });

  test("live mode leads to the login form; login gives a session, logout ends it", async () => {
    const { url } = await startRole({ mode: "live" });
    const page = await get(`${url}/d/own`, {});
    expect([page.status, page.headers.get("location"), page.headers.get("set-cookie")]).toEqual([
      302,
      "/login?next=%2Fd%2Fown",
      null,
    ]);
    const login = (password: string) =>
      fetch(`${url}/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user: "admin", password }),
      });
    expect((await login("wrong")).status).toBe(401);
    const right = await login("pass-1");
    expect(await json(right)).toEqual({ message: "Logged in", redirectUrl: "/" });
    const cookie = right.headers.get("set-cookie")!.split(";")[0]!;
    expect((await get(`${url}/d/own`, { cookie })).status).toBe(200);
    expect((await get(`${url}/api/user`, { cookie: `${cookie}x` })).status).toBe(401);
  });

  test("guessing passwords is stopped", async () => {
    const { url } = await startRole({ mode: "live" });
    const guess = () =>
      get(`${url}/api/user`, { authorization: `Basic ${Buffer.from("admin:guess").toString("base64")}` });
    for (let index = 0; index < 10; index++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
  });

  test("foreign Host and Origin are refused on pages and API, not on readiness", async () => {
    const { url } = await startRole();
    expect(await getAs(`${url}/`, "evil.example")).toBe(403);
    expect(await getAs(`${url}/api/search`, "evil.example:3000")).toBe(403);
    expect(await getAs(`${url}/api/health`, "evil.example")).toBe(200);
    expect(await getAs(`${url}/`, "localhost")).toBe(200);
    expect((await get(`${url}/api/search`, { authorization: BASIC, origin: "http://evil.example" })).status).toBe(403);
    expect((await get(`${url}/api/search`, { authorization: BASIC, origin: url })).status).toBe(200);
  });

  test("a session survives a restart, not its expiry and not a forged signature", async () => {
    const dir = mkdtempSync(join(tmpdir(), "gatewayz-session-"));
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    let now = 1_000;
    const cookie = new Sessions(dir, () => now).cookie(false).split(";")[0]!;
    expect(new Sessions(dir, () => now).isValid(cookie)).toBe(true);
    expect(new Sessions(dir, () => now).isValid(cookie.replace(/=(\d)/, "=9$1"))).toBe(false);
    now += 8 * 24 * 3_600_000;
    expect(new Sessions(dir, () => now).isValid(cookie)).toBe(false);
  });
});

describe("data sources", () => {
  test("the four sources carry the uids and names that real dashboards use", async () => {
    const { url } = await startRole();
    const list = (await (await get(`${url}/api/datasources`)).json()) as {
      uid: string;
      name: string;
      isDefault: boolean;
    }[];
    expect(list.map(({ uid, name, isDefault }) => [uid, name, isDefault])).toEqual([
      ["grafana_prometheus", "Prometheus", true],
      ["grafana_mimir", "Mimir", false],
      ["grafana_loki", "Loki", false],
      ["grafana_tempo", "Tempo", false],
    ]);
    expect((await get(`${url}/api/datasources/name/Loki`)).status).toBe(200);
    expect((await get(`${url}/api/datasources/uid/none`)).status).toBe(404);
    expect(await (await get(`${url}/api/datasources/uid/grafana_tempo/health`)).json()).toEqual({
      status: "OK",
      message: "Data source is working",
    });
  });

  test("the proxy hands on query and body, adds the engine key, keeps cookies and credentials to itself", async () => {
    const { url, engine } = await startRole({ engineKey: "engine-secret" });
    const reply = await fetch(`${url}/api/datasources/proxy/uid/grafana_prometheus/api/v1/query?time=1`, {
      method: "POST",
      headers: { authorization: BASIC, cookie: "a=b", "content-type": "application/x-www-form-urlencoded" },
      body: "query=up",
    });
    expect([reply.status, await reply.json(), reply.headers.get("set-cookie")]).toEqual([
      200,
      { status: "success" },
      null,
    ]);
    const seen = engine.requests.at(-1)!;
    expect([seen.url, seen.body, seen.headers["authorization"], seen.headers["cookie"]]).toEqual([
      "/api/v1/query?time=1",
      "query=up",
      "Bearer engine-secret",
      undefined,
    ]);
    expect(await (await get(`${url}/api/datasources`)).text()).not.toContain("engine-secret");
  });

  test("an engine's refusal comes through, an unreachable one is 502, a path cannot climb out", async () => {
    const { url } = await startRole({ peers: { traces: "http://127.0.0.1:9/tempo" } });
    expect((await get(`${url}/api/datasources/proxy/uid/grafana_loki/bad`)).status).toBe(400);
    const down = await get(`${url}/api/datasources/proxy/uid/grafana_tempo/api/echo`);
    expect([down.status, (await json(down)).message]).toEqual([502, "Tempo cannot be reached: ECONNREFUSED"]);
    const climbing = `${url}/api/datasources/proxy/uid/grafana_tempo/%2e%2e/%2e%2e/secret`;
    expect(await getAs(climbing, "localhost", { authorization: BASIC })).toBe(400);
  });

  test("Grafana's provisioning files replace and add sources; secrets become headers", async () => {
    const provisioningDir = mkdtempSync(join(tmpdir(), "gatewayz-provisioning-"));
    cleanups.push(() => rmSync(provisioningDir, { recursive: true, force: true }));
    mkdirSync(join(provisioningDir, "datasources"));
    const { url, context } = await (async () => {
      writeFileSync(
        join(provisioningDir, "datasources/all.yaml"),
        'apiVersion: 1\ndatasources:\n  - name: Far\n    type: prometheus\n    uid: far\n    url: http://127.0.0.1:9/\n    isDefault: true\n    basicAuth: true\n    basicAuthUser: me\n    secureJsonData:\n      basicAuthPassword: "$FAR_PASSWORD"\n',
      );
      writeFileSync(join(provisioningDir, "datasources/broken.yaml"), "datasources: [{name: x}]");
      return startRole({ dashboards: { provisioningDir } }, { FAR_PASSWORD: "pw-canary" });
    })();
    const text = await (await get(`${url}/api/datasources`)).text();
    const list = JSON.parse(text) as { uid: string; isDefault: boolean }[];
    expect(list.filter(({ isDefault }) => isDefault).map(({ uid }) => uid)).toEqual(["far"]);
    expect(text).not.toContain("pw-canary");
    expect(context.lines.some((line) => String(line["file"]).endsWith("broken.yaml"))).toBe(true);
  });
});

describe("dashboards", () => {
  const post = (url: string, body: unknown) =>
    fetch(`${url}/api/dashboards/db`, {
      method: "POST",
      headers: { authorization: BASIC, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  test("own ones are found, saved ones get uid and version, stale saves are refused", async () => {
    const { url } = await startRole();
    expect(
      ((await (await get(`${url}/api/search?query=own`)).json()) as { uid: string; url: string }[])[0],
    ).toMatchObject({ uid: "own", url: "/d/own/own-board", tags: ["a"] });
    const saved = (await (await post(url, { dashboard: { title: "Mine & Yours" } })).json()) as {
      uid: string;
      version: number;
      url: string;
    };
    expect(saved).toMatchObject({ status: "success", version: 1, url: `/d/${saved.uid}/mine-yours` });
    const stale = await post(url, { dashboard: { uid: saved.uid, title: "Mine", version: 0 } });
    expect([stale.status, (await json(stale)).status]).toEqual([412, "version-mismatch"]);
    expect((await post(url, { dashboard: { uid: saved.uid, title: "Mine" }, overwrite: true })).status).toBe(200);
    const read = (await (await get(`${url}/api/dashboards/uid/${saved.uid}`)).json()) as {
      dashboard: { title: string };
      meta: { version: number; provisioned: boolean };
    };
    expect([read.dashboard.title, read.meta.version, read.meta.provisioned]).toEqual(["Mine", 2, false]);
    expect(
      (await fetch(`${url}/api/dashboards/uid/${saved.uid}`, { method: "DELETE", headers: { authorization: BASIC } }))
        .status,
    ).toBe(200);
    expect((await get(`${url}/api/dashboards/uid/${saved.uid}`)).status).toBe(404);
  });

  test("bad saves get Grafana's refusals", async () => {
    const { url } = await startRole();
    const refused = async (body: unknown) => {
      const reply = await post(url, body);
      return [reply.status, (await json(reply)).message];
    };
    expect(await refused({ dashboard: { title: " " } })).toEqual([400, "Dashboard title cannot be empty"]);
    expect(await refused({ dashboard: { title: "x", uid: "../../etc" } })).toEqual([
      400,
      "uid contains illegal characters",
    ]);
    expect(await refused({ dashboard: { title: "x", uid: "own" } })).toEqual([
      400,
      "Cannot save provisioned dashboard",
    ]);
    expect(await refused([])).toEqual([400, "bad request data"]);
  });

  test("folders are read with what is below them; what is no folder is reported and harms nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatewayz-boards-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "team/sub"), { recursive: true });
    writeFileSync(join(folder, "team/sub/deep.json"), JSON.stringify({ uid: "deep", title: "Deep" }));
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const { url } = await startRole({ dashboards: { dashboardFolders: [file, join(folder, "none"), folder] } });
    expect((await get(`${url}/api/dashboards/uid/deep`)).status).toBe(200);
  });

  test("a file put into a provisioned folder appears; a broken one is logged once and harms nothing", async () => {
    const { url, dropDir, context } = await startRole();
    writeFileSync(join(dropDir, "new.json"), JSON.stringify({ dashboard: { title: "Dropped" } }));
    writeFileSync(join(dropDir, "broken.json"), "{");
    await expect.poll(async () => (await get(`${url}/api/dashboards/uid/new`)).status, { timeout: 10_000 }).toBe(200);
    await expect
      .poll(() => context.lines.filter((line) => String(line["path"]).endsWith("broken.json")).length, {
        timeout: 10_000,
      })
      .toBe(1);
  });
});

describe("files", () => {
  test("only the UI's own files are served, whatever the spelling", async () => {
    const { url } = await startRole();
    expect((await get(`${url}/public/app.js`)).status).toBe(200);
    for (const path of [
      "/public/../dashboards/own.json",
      "/public/%2e%2e/dashboards/own.json",
      "/public/%252e%252e/dashboards/own.json",
      "/public//etc/passwd",
      "/public/..%2fdashboards/own.json",
      "/public/a%00.js",
    ]) {
      const status = await getAs(url + path, "localhost");
      expect([400, 403, 404]).toContain(status);
    }
  });
});
