import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive, Stack } from "./support/stack.ts";

const ROLES = ["metrics", "logs", "traces", "health", "gateway", "dashboards"];

describe("a part fails, the rest goes on", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  });
  afterAll(() => stack?.dispose());

  test("without the health service the gateway answers and says so; with it back, so does the metric", async () => {
    const up = async (): Promise<string | undefined> => {
      const text = await (
        await fetch(`${stack.url("gateway")}/metrics`, { headers: { authorization: `Bearer ${stack.adminKey}` } })
      ).text();
      return /^gatewayz_health_service_up (\d)/m.exec(text)?.[1];
    };
    await expect.poll(up, { timeout: 10_000 }).toBe("1");
    const pid = stack.pidOf("health");
    const linesBefore = stack.lines.length;
    // A stopped process neither answers nor is restarted: the slow death of a peer.
    process.kill(pid, "SIGSTOP");
    try {
      await expect.poll(up, { timeout: 60_000, interval: 500 }).toBe("0");
      expect((await stack.chat()).reply.status).toBe(200);
      const changes = stack.lines
        .slice(linesBefore)
        .filter(
          ({ service, level, msg }) => service === "gateway" && level !== "info" && /health service/i.test(String(msg)),
        );
      expect(changes.length).toBe(1);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await expect.poll(up, { timeout: 60_000, interval: 500 }).toBe("1");
  });

  test("a role that is killed again and again is ready again within 60 s", async () => {
    for (let round = 0; round < 3; round++) await stack.killRole("dashboards");
    // The test's own connection pool may still hold a connection to the process that was killed.
    await expect
      .poll(async () => (await fetch(`${stack.url("dashboards")}/api/health`).catch(() => undefined))?.status, {
        timeout: 10_000,
      })
      .toBe(200);
  });
});

describe("kill -9 while data flows", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  });
  afterAll(() => stack?.dispose());

  test("logs: every acknowledged line is there after the restart", async () => {
    const acknowledged: string[] = [];
    let killed = false;
    const writer = (async () => {
      for (let index = 0; !killed || index < 200; index++) {
        const line = `ledger-${index}`;
        const body = JSON.stringify({
          streams: [{ stream: { app: "ledger" }, values: [[`${Date.now()}000000`, line]] }],
        });
        const reply = await fetch(`${stack.url("logs")}/loki/api/v1/push`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        }).catch(() => undefined);
        if (reply?.status === 204) acknowledged.push(line);
        else if (killed) break;
      }
    })();
    await expect.poll(() => acknowledged.length, { timeout: 30_000, interval: 10 }).toBeGreaterThan(50);
    const restarted = stack.killRole("logs");
    killed = true;
    await writer;
    await restarted;
    const found = await stack.json<{ data: { result: { values: [string, string][] }[] } }>(
      "logs",
      `/loki/api/v1/query_range?query=${encodeURIComponent('{app="ledger"}')}&limit=5000`,
    );
    const lines = found.data.result.flatMap(({ values }) => values.map(([, line]) => line));
    expect(new Set(lines).size).toBe(lines.length);
    expect(acknowledged.filter((line) => !lines.includes(line))).toEqual([]);
  });

  test("traces: every request answered before the kill is there after the restart", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await stack.chat()).traceId);
    for (const id of ids)
      await expect
        .poll(async () => (await fetch(`${stack.url("traces")}/api/traces/${id}`)).status, { timeout: 3_000 })
        .toBe(200);
    await stack.killRole("traces");
    for (const id of ids) expect((await fetch(`${stack.url("traces")}/api/traces/${id}`)).status).toBe(200);
  });

  test("metrics: what was stored before the kill is stored after it", async () => {
    await expect
      .poll(() => stack.promql('count_over_time(up{job="gatewayz_staging"}[10m])'), { timeout: 30_000 })
      .toBeGreaterThan(1);
    const atSeconds = Date.now() / 1000;
    const count = (): Promise<number | undefined> =>
      stack.promql(`count_over_time(up{job="gatewayz_staging"}[10m] @ ${atSeconds})`);
    const before = await count();
    await stack.killRole("metrics");
    expect(await count()).toBe(before);
  });
});

describe("the end", () => {
  test("SIGTERM to the group ends everything within 14 s, an open stream included", async () => {
    const stack = await Stack.start();
    const pids = ROLES.map((role) => stack.pidOf(role));
    const stream = stack.chat({ stream: true, model: "sim-slow" }).catch(() => undefined);
    await new Promise((done) => setTimeout(done, 300));
    expect(await stack.stop("SIGTERM")).toBeLessThan(14_000);
    await stream;
    expect(pids.filter(isAlive)).toEqual([]);
    await stack.dispose();
  });

  test("a killed supervisor leaves no orphan", async () => {
    const stack = await Stack.start();
    const pids = ROLES.map((role) => stack.pidOf(role));
    process.kill(stack.process.pid!, "SIGKILL");
    await expect.poll(() => pids.filter(isAlive), { timeout: 14_000 }).toEqual([]);
  });

  test("two on one folder: the second is refused and told who holds it; ports are named with their owner", async () => {
    const stack = await Stack.start({ roles: ["logs"] });
    try {
      await expect(Stack.start({ roles: ["logs"], after: stack })).rejects.toThrow(
        /port \d+ \(logs\) is in use by .*pid \d+/,
      );
      const other = await Stack.start({ roles: ["health"] });
      const onSameData = { GATEWAYZ_DATA: stack.dataDir };
      await other.stop();
      await expect(Stack.start({ roles: ["logs"], after: other, environment: onSameData })).rejects.toThrow(
        /data folder .* is in use by process \d+/,
      );
      await other.dispose();
    } finally {
      await stack.dispose();
    }
  });
});
