import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { ConfigError } from "./config-error.ts";
import { applyEnvironment } from "./environment.ts";
import type { RoleName } from "./roles.ts";
import { withHookPaths } from "./safety.ts";
import { type Config, configSchema } from "./schema.ts";
import { readOrCreateSecret, type SecretOrigin } from "./secrets.ts";
import { describeIssue, readYamlFile, type YamlFile } from "./yaml-file.ts";

const CONFIG_FILE = "gatewayz.yaml";

/** A password only where nobody but this machine can reach it and nothing real is behind it. */
const DEMO_PASSWORD = { value: "admin", origin: "default" } as const;

export interface LoadOptions {
  /** Explicit file; without it `gatewayz.yaml` of the working directory is read when it exists. */
  readonly configFile?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDir: string;
  readonly installDir: string;
  /** For commands that only look: nothing is created, and a secret that nobody gave or stored is empty. */
  readonly readOnly?: boolean;
  /** Roles that will run in this installation; their peers are found without being named. */
  readonly roles: readonly RoleName[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each secret came from; `created` ones are printed once. */
  readonly secrets: Readonly<Record<"adminApiKey" | "dashboardsPassword" | "engineKey", SecretOrigin>>;
  readonly file: string | undefined;
}

/**
 * File and environment (which wins) through the one schema into the effective configuration. Creates the data folder
 * and the secrets that are not given.
 * @throws ConfigError with file, line and the nearest valid name for the first thing that is wrong.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const file = findFile(options);
  const merged = applyEnvironment(file?.values ?? {}, options.environment, options.roles);
  const parsed = configSchema.safeParse(merged.values);
  if (!parsed.success) {
    // A misspelt field also leaves the right one missing; the misspelling is what the person can see and mend.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
    const variable = merged.variableOf(issue.path.map(String));
    throw new ConfigError(
      variable === undefined
        ? describeIssue(issue, file, configSchema)
        : `environment variable ${variable}: ${issue.message}`,
    );
  }
  const values = parsed.data;
  if (options.roles.includes("gateway")) refuseItselfAsProvider(values);
  const dataDir = resolve(options.workingDir, values.dataDir);
  const readOnly = options.readOnly === true;
  if (!readOnly) createDataDir(dataDir);
  const mode = values.mode ?? defaultMode(values.host, Object.keys(values.gateway.providers).length);
  const admin = readOrCreateSecret({
    dataDir,
    name: "admin-api-key",
    given: values.adminApiKey,
    prefix: "gw_live_",
    readOnly,
  });
  const password =
    values.dashboards.password === undefined && mode === "demo" && isLoopback(values.host)
      ? DEMO_PASSWORD
      : readOrCreateSecret({
          dataDir,
          name: "dashboards-password",
          given: values.dashboards.password,
          prefix: "",
          readOnly,
        });
  // Beyond loopback the engines ask for a key; without one, not even the roles of this installation could reach them.
  const engine =
    values.engineKey === undefined && isLoopback(values.host)
      ? undefined
      : readOrCreateSecret({ dataDir, name: "engine-key", given: values.engineKey, prefix: "", readOnly });
  const fileDir = file === undefined ? options.workingDir : dirname(file.path);
  const safety = withHookPaths(values.gateway.safety, fileDir);
  const config: Config = {
    ...values,
    gateway: { ...values.gateway, safety },
    mode,
    dataDir,
    adminApiKey: admin.value,
    engineKey: engine?.value || undefined,
    dataBytesMax: dataBytesMax(values.dataSizeMax, existingParent(dataDir)),
    installDir: options.installDir,
    ...(file !== undefined && { configFile: file.path }),
    dashboards: { ...values.dashboards, password: password.value },
  };
  const secrets = {
    adminApiKey: admin.origin,
    dashboardsPassword: password.origin,
    engineKey: engine?.origin ?? "default",
  };
  return { config, secrets, file: file?.path };
}

function findFile(options: LoadOptions): YamlFile | undefined {
  if (options.configFile !== undefined) return readYamlFile(resolve(options.workingDir, options.configFile));
  const standard = resolve(options.workingDir, CONFIG_FILE);
  return existsSync(standard) ? readYamlFile(standard) : undefined;
}

function createDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(
      `cannot create the data folder ${dataDir}: ${(error as Error).message}; set GATEWAYZ_DATA to a folder that this user may write`,
    );
  }
}

/**
 * `OPENAI_BASE_URL` of a shell whose clients use this gateway must not become the gateway's own provider: every request
 * would call itself until all places are taken.
 */
function refuseItselfAsProvider({ gateway, ports }: z.output<typeof configSchema>): void {
  for (const [name, { baseUrl }] of Object.entries(gateway.providers)) {
    const { hostname, port } = new URL(baseUrl);
    if (!isLoopback(hostname.replace(/^\[|\]$/g, "")) || Number(port) !== ports.gateway) continue;
    throw new ConfigError(
      `provider ${name} is this gateway itself (${baseUrl}); unset ${name.toUpperCase()}_BASE_URL where the gateway starts`,
    );
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function defaultMode(host: string, providers: number): "demo" | "live" {
  return isLoopback(host) && providers === 0 ? "demo" : "live";
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
};

/** The folder itself, or the nearest one above that exists: what tells the volume's size before the first start. */
function existingParent(folder: string): string {
  return existsSync(folder) ? folder : existingParent(dirname(folder));
}

/** Bytes of a size text on the volume that holds `dataDir`; a percentage is of the whole volume. */
function dataBytesMax(size: string | number, dataDir: string): number {
  if (typeof size === "number") return size;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(%|[a-z]+)$/i.exec(size)!;
  if (unit === "%") {
    const volume = statfsSync(dataDir);
    return Math.floor((volume.blocks * volume.bsize * Number(amount)) / 100);
  }
  return Math.floor(Number(amount) * SIZE_UNITS[unit![0]!.toLowerCase()]!);
}
