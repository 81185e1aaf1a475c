import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianTool, shellEnvironment } from "./support/debian-tools.ts";
import { codeBlocks, originalGuide } from "./support/shared-documents.ts";
import { ROOT, Stack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const guide = originalGuide();

let stack: Stack;
let shell: NodeJS.ProcessEnv;
beforeAll(async () => {
  shell = shellEnvironment(await debianTool("jq"));
  stack = await Stack.start();
  await until(
    "models are tracked",
    async () => ((await stack.promql("gatewayz_health_tracked_models")) ?? 0) > 0,
    30_000,
  );
});
afterAll(() => stack?.dispose());

interface Ran {
  code: number;
  output: string;
}

/** The guide's hosts are another installation's; ours answers on free ports. Nothing else of a command is touched. */
function mapped(command: string): string {
  const hosts: [string, string][] = [
    ["https://gatewayz-staging.up.railway.app", stack.url("gateway")],
    ["http://loki:3100", stack.url("logs")],
    ["http://tempo:3200", stack.url("traces")],
    ["http://prometheus:9090", stack.url("metrics")],
    ["grafana:3000", `127.0.0.1:${stack.ports.dashboards}`],
    ["YOUR_TOKEN", stack.adminKey],
  ];
  return hosts.reduce((text, [from, to]) => text.replaceAll(from, to), command);
}

function run(script: string, environment: Record<string, string> = {}): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn("bash", ["-c", script], {
      cwd: ROOT,
      env: { ...shell, ADMIN_API_KEY: stack.adminKey, ...environment },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += chunk));
    child.on("close", (code) => done({ code: code ?? -1, output }));
  });
}

describe.skipIf(guide === undefined)("the guide, word for word (skipped where ../shared/GUIDE.md is absent)", () => {
  const phase4 = () => codeBlocks(guide!, "bash").find(({ heading }) => heading.startsWith("Phase 4"))!.code;

  test("Phase 4, step 1: the gateway exports 15 or more health metrics", async () => {
    const command = /curl -H[\s\S]*?grep -c "gatewayz_health"/.exec(phase4())![0];
    expect(Number((await run(mapped(command).replaceAll("curl ", "curl -s "))).output.trim())).toBeGreaterThanOrEqual(
      15,
    );
  });

  test("Phase 4, steps 2 and 3: Loki's and Tempo's status paths answer 200", async () => {
    for (const line of phase4().match(/^curl http:\/\/(loki|tempo)\S+$/gm)!) {
      expect((await run(mapped(line).replace("curl ", "curl -s -o /dev/null -w '%{http_code}' "))).output).toBe("200");
    }
  });

  test("Phase 4, step 4: the targets page shows gatewayz_staging UP", async () => {
    const page = await (await fetch(mapped(/http:\/\/prometheus:9090\/targets/.exec(phase4())![0]))).text();
    expect(page).toContain("gatewayz_staging");
    expect(page).toMatch(/gatewayz_staging[\s\S]*?UP/i);
    const { data } = await stack.json<{ data: { activeTargets: { labels: { job: string }; health: string }[] } }>(
      "metrics",
      "/api/v1/targets",
    );
    expect(data.activeTargets.find(({ labels }) => labels.job === "gatewayz_staging")!.health).toBe("up");
  });

  test("Phase 4, step 5: gatewayz_health_tracked_models is the number the health service says", async () => {
    const query = /Query: (\w+)/.exec(phase4())![1]!;
    await expect
      .poll(
        async () => {
          const status = await stack.json<{ models_tracked: number }>("health", "/status");
          return status.models_tracked > 0 && status.models_tracked === (await stack.promql(query));
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(true);
  });

  test("the health check script as the guide writes it: every section reports well", async () => {
    const script = codeBlocks(guide!, "bash").find(({ code }) => code.startsWith("#!/bin/bash"))!.code;
    const { code, output } = await run(mapped(script));
    expect(code).toBe(0);
    expectHealthy(output);
  });

  test("the diagnosis command of issue 1 finds the metrics", async () => {
    const command = codeBlocks(guide!, "bash")
      .find(({ heading }) => heading.startsWith("Issue 1"))!
      .code.trim();
    const withKey = mapped(command).replace("curl ", `curl -s -H "Authorization: Bearer ${stack.adminKey}" `);
    expect((await run(withKey)).output).toContain("gatewayz_health_service_up 1");
  });
});

test("monitoring/health_check.sh with addresses from the environment: every section reports well", async () => {
  const { code, output } = await run("bash monitoring/health_check.sh", {
    GATEWAYZ_GATEWAY_URL: stack.url("gateway"),
    GATEWAYZ_LOGS_URL: stack.url("logs"),
    GATEWAYZ_TRACES_URL: stack.url("traces"),
    GATEWAYZ_METRICS_URL: stack.url("metrics"),
    GATEWAYZ_DASHBOARDS_URL: stack.url("dashboards"),
  });
  expect(code).toBe(0);
  expectHealthy(output);
});

function expectHealthy(output: string): void {
  const section = (number: number): string => output.split(/^\d\. .*$/m)[number]!.trim();
  expect(Number(section(1))).toBeGreaterThanOrEqual(15);
  expect(section(2)).toMatch(/ready[\s\S]*✓ UP/);
  expect(section(3)).toMatch(/ready[\s\S]*✓ UP/);
  expect(section(4)).toBe('"up"');
  for (const name of ["Prometheus", "Loki", "Tempo"]) expect(section(5)).toContain(`"name": "${name}"`);
  expect(output).not.toContain("✗");
}

describe("what the guide waits for in the logs", () => {
  for (const [service, message] of [
    ["gateway", "Health service metrics collector started"],
    ["logs", "Loki started"],
    ["traces", "Tempo server listening"],
  ] as const) {
    test(`${service} logs exactly "${message}"`, async () => {
      await stack.waitForLine((line) => line["service"] === service && line.msg === message);
    });
  }
  test("the gateway names the health service's URL", () => {
    expect(
      stack.lines.some((line) => line["service"] === "gateway" && JSON.stringify(line).includes(stack.url("health"))),
    ).toBe(true);
  });
});

test("gatewayz check: every criterion holds or waits for history, and the exit code says so", async () => {
  const environment = { GATEWAYZ_DATA: stack.dataDir };
  const urls = (["gateway", "health", "metrics", "logs", "traces", "dashboards"] as const)
    .map((role) => `--${role} ${stack.url(role)}`)
    .join(" ");
  await stack.chat();
  await expect
    .poll(
      async () => {
        const { code, output } = await run(`node dist/gatewayz.js check --json ${urls}`, environment);
        const { findings } = JSON.parse(output) as {
          findings: { criterion: string; verdict: string; cause?: string }[];
        };
        return [
          code,
          findings.filter(({ verdict }) => verdict === "fail").map(({ criterion, cause }) => `${criterion}: ${cause}`),
        ];
      },
      { timeout: 90_000, interval: 3_000 },
    )
    .toEqual([0, []]);
  const { output } = await run(`node dist/gatewayz.js check ${urls}`, environment);
  for (const component of ["Backend", "Prometheus", "Loki", "Tempo", "Grafana", "Overall"])
    expect(output).toContain(component);
});

test("gatewayz check names cause and fix where something is wrong", async () => {
  const { code, output } = await run(
    `node dist/gatewayz.js check --gateway http://127.0.0.1:9 --logs ${stack.url("logs")} --metrics ${stack.url("metrics")} --traces ${stack.url("traces")} --health ${stack.url("health")} --dashboards ${stack.url("dashboards")}`,
  );
  expect(code).toBe(1);
  expect(output).toMatch(/✗ fail/);
  expect(output).toMatch(/cause {2}the gateway cannot be reached at http:\/\/127\.0\.0\.1:9/);
  expect(output).toMatch(/fix {4}start it with/);
});
