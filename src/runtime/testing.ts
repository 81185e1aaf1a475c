import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Registry } from "prom-client";
import type { RoleName } from "../config/roles.ts";
import { type ConfigInput, configSchema } from "../config/schema.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { RoleContext } from "./role.ts";

export const TEST_ADMIN_KEY = "gw_test_admin_0123456789abcdef";
const TEST_PASSWORD = "test-password";

export interface TestContext extends RoleContext {
  /** Log lines written so far, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Aborts the signal and removes the data folder. */
  dispose(): Promise<void>;
}

/** A role's context for tests: a folder of its own, free ports, log lines collected instead of printed. */
export async function testContext(
  name: RoleName,
  overrides: ConfigInput = {},
  reuseDir?: string,
): Promise<TestContext> {
  const dataDir = reuseDir ?? (await mkdtemp(join(tmpdir(), `gatewayz-${name}-`)));
  const zeroPorts = { gateway: 0, health: 0, metrics: 0, logs: 0, traces: 0, otlpGrpc: 0, otlpHttp: 0, dashboards: 0 };
  const parsed = configSchema.parse({ ...overrides, ports: { ...zeroPorts, ...overrides.ports } });
  const lines: Record<string, unknown>[] = [];
  const logger: Logger = createLogger(name, "debug", { write: (line) => void lines.push(JSON.parse(line)) });
  const controller = new AbortController();
  return {
    name,
    dataDir,
    logger,
    lines,
    registry: new Registry(),
    signal: controller.signal,
    config: {
      ...parsed,
      mode: parsed.mode ?? "demo",
      adminApiKey: parsed.adminApiKey ?? TEST_ADMIN_KEY,
      dataDir,
      dataBytesMax: 1024 * 1024 * 1024,
      installDir: resolve(import.meta.dirname, "../.."),
      dashboards: { ...parsed.dashboards, password: parsed.dashboards.password ?? TEST_PASSWORD },
    },
    async dispose() {
      controller.abort();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
