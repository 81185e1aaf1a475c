import { loadConfig } from "../config/load.ts";
import { ROLE_NAMES } from "../config/roles.ts";
import { withPeers } from "../config/topology.ts";
import { type Finding, type Installation, runChecks } from "../operations/check/index.ts";
import { textTable } from "./text-table.ts";

export interface CheckOptions {
  readonly configFile: string | undefined;
  readonly json: boolean;
  readonly installDir: string;
  /** Addresses that replace the configured ones. */
  readonly urls: Partial<Record<"gateway" | "health" | "metrics" | "logs" | "traces" | "dashboards", string>>;
}

const MARKS = { ok: "✓", fail: "✗", pending: "…" } as const;

/** `gatewayz check`: prints the table, resolves with 0, or 1 when a criterion fails. */
export async function check(options: CheckOptions): Promise<number> {
  const findings = await runChecks(installationOf(options));
  process.stdout.write(options.json ? `${JSON.stringify({ findings }, null, 2)}\n` : table(findings));
  return findings.some(({ verdict }) => verdict === "fail") ? 1 : 0;
}

function installationOf(options: CheckOptions): Installation {
  const { config } = loadConfig({
    configFile: options.configFile,
    environment: process.env,
    workingDir: process.cwd(),
    installDir: options.installDir,
    roles: ROLE_NAMES,
    readOnly: true,
  });
  const { peers } = withPeers(config, ROLE_NAMES);
  const { urls } = options;
  return {
    gateway: urls.gateway ?? peers.gateway!,
    health: urls.health ?? peers.health!,
    metrics: urls.metrics ?? peers.metrics!,
    logs: urls.logs ?? peers.logs!,
    traces: urls.traces ?? peers.traces!,
    dashboards: urls.dashboards ?? peers.dashboards!,
    adminApiKey: config.adminApiKey,
    engineKey: config.engineKey,
    dashboardsUser: "admin",
    dashboardsPassword: config.dashboards.password,
    dataDir: urls.gateway === undefined ? config.dataDir : undefined,
  };
}

function table(findings: readonly Finding[]): string {
  const header = ["Component", "Criterion", "Measured", ""];
  const rows = findings.map(({ component, criterion, measured, verdict }) => [
    component,
    criterion,
    measured,
    `${MARKS[verdict]} ${verdict}`,
  ]);
  const reasons = findings.flatMap(({ component, criterion, cause, fix }) =>
    cause === undefined ? [] : [`${component}: ${criterion}`, `  cause  ${cause}`, `  fix    ${fix ?? ""}`],
  );
  const failed = findings.filter(({ verdict }) => verdict === "fail").length;
  const pending = findings.filter(({ verdict }) => verdict === "pending").length;
  const last =
    failed > 0
      ? `${failed} of ${findings.length} criteria fail.`
      : `All criteria hold${pending > 0 ? `; ${pending} need more history` : ""}.`;
  return `${textTable(header, rows)}\n${[...reasons, ...(reasons.length > 0 ? [""] : []), last].join("\n")}\n`;
}
