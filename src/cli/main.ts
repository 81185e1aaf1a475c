import { Command, InvalidArgumentError } from "commander";
import { ConfigError } from "../config/config-error.ts";
import { nearestName } from "../config/nearest.ts";
import { isRoleName, ROLE_NAMES, type RoleName } from "../config/roles.ts";
import { EXIT_FATAL } from "../runtime/child-protocol.ts";
import { VERSION } from "../runtime/version.ts";

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
      }),
    );
  });

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
