import { Command, InvalidArgumentError } from "commander";
import { ConfigError } from "../config/config-error.ts";
import { nearestName } from "../config/nearest.ts";
import { isRoleName, ROLE_NAMES, type RoleName } from "../config/roles.ts";
import { EXIT_FATAL } from "../runtime/child-protocol.ts";
import { VERSION } from "../runtime/version.ts";
import { installDir } from "./install-dir.ts";
import { addKeyCommands } from "./key-commands.ts";

const program = new Command("gatewayz")
  .description("An AI inference gateway with its complete monitoring: metrics, logs, traces and dashboards.")
  .version(VERSION);

program
  .command("up")
  .description("start the roles (all without an argument) and stay")
  .argument("[roles...]", `any of ${ROLE_NAMES.join(", ")}`, collectRoles, [])
  .option("--config <file>", "configuration file (default: gatewayz.yaml in the working directory)")
  .option("--in-process", "all roles in this process, for tests and tiny machines", false)
  .option("--no-demo", "no demo traffic in demo mode")
  .action(async (roles: RoleName[], options: { config?: string; inProcess: boolean; demo: boolean }) => {
    const { up } = await import("./up.ts");
    process.exit(
      await up({
        roles,
        configFile: options.config,
        inProcess: options.inProcess,
        demo: options.demo,
        distDir: import.meta.dirname,
        installDir: installDir(),
      }),
    );
  });

program
  .command("check")
  .description("the deployment guide's checks and success criteria, measured")
  .option("--config <file>", "configuration file (default: gatewayz.yaml in the working directory)")
  .option("--json", "machine-readable result", false)
  .option("--gateway <url>", "address of the gateway")
  .option("--health <url>", "address of the health service")
  .option("--metrics <url>", "address of Prometheus or the metrics role")
  .option("--logs <url>", "address of Loki or the logs role")
  .option("--traces <url>", "address of Tempo or the traces role")
  .option("--dashboards <url>", "address of Grafana or the dashboards role")
  .action(async ({ config, json, ...urls }: { config?: string; json: boolean } & Record<string, string>) => {
    const { check } = await import("./check.ts");
    process.exit(await check({ configFile: config, json, urls, installDir: installDir() }));
  });

program
  .command("config")
  .description("print the effective configuration, secrets hidden")
  .option("--config <file>", "configuration file (default: gatewayz.yaml in the working directory)")
  .action(async ({ config }: { config?: string }) => {
    const { printConfig } = await import("./print-config.ts");
    printConfig(config, installDir());
  });

addKeyCommands(program);

function collectRoles(text: string, previous: RoleName[]): RoleName[] {
  if (isRoleName(text)) return [...previous, text];
  const near = nearestName(text, ROLE_NAMES);
  throw new InvalidArgumentError(`no such role${near === undefined ? "" : `; did you mean ${near}?`}`);
}

program.parseAsync().catch((error: Error) => {
  // A wrong configuration is the reader's to mend: its sentence is enough. Anything else is ours: show where.
  process.stderr.write(error instanceof ConfigError ? `gatewayz: ${error.message}\n` : `gatewayz: ${error.stack}\n`);
  process.exit(error instanceof ConfigError ? EXIT_FATAL : 1);
});
