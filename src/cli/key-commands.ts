import type { Command } from "commander";
import type { CreateOptions, GatewayOptions } from "./keys.ts";

/** `gatewayz keys …`: the gateway's own client keys, through its admin API. */
export function addKeyCommands(program: Command): void {
  const keys = program
    .command("keys")
    .description("client keys of a running gateway (exit code 1: it said no, 2: it does not answer)");
  const command = (text: string, description: string): Command =>
    keys
      .command(text)
      .description(description)
      .option("--config <file>", "configuration file (default: gatewayz.yaml in the working directory)")
      .option("--gateway <url>", "address of the gateway")
      .option("--json", "machine-readable result", false);

  command("create", "make a key; it is printed this once")
    .argument("<name>", "what it is called")
    .option("--kind <kind>", "live, test, staging, dev or temp")
    .option("--tier <tier>", "basic, pro, max or admin")
    .option("--team <team>", "team whose budget it shares")
    .option("--owner <owner>", "whose it is")
    .option("--model <glob...>", "models that it may use")
    .option("--provider <glob...>", "providers that it may use")
    .option("--tag <tag...>", "what its usage is also counted by")
    .option("--expires <time>", "ISO 8601 time from which on it is refused")
    .option("--day-usd <usd>", "what it may cost a day")
    .option("--month-usd <usd>", "what it may cost a month")
    .option("--requests-per-minute <n>", "limit of its own")
    .option("--tokens-per-minute <n>", "limit of its own")
    .action(async (name: string, options: CreateOptions) => {
      const { create } = await import("./keys.ts");
      process.exitCode = await create(name, options);
    });

  command("list", "the keys of the database")
    .option("--team <team>", "only of this team")
    .option("--owner <owner>", "only of this owner")
    .option("--status <status>", "active, disabled or revoked")
    .action(
      async ({ team, owner, status, ...options }: GatewayOptions & Record<"team" | "owner" | "status", string>) => {
        const { list } = await import("./keys.ts");
        process.exitCode = await list({ team, owner, status }, options);
      },
    );

  command("revoke", "refuse a key from now on, for good")
    .argument("<id>", "id of the key, key_…")
    .action(async (id: string, options: GatewayOptions) => {
      const { revoke } = await import("./keys.ts");
      process.exitCode = await revoke(id, options);
    });

  command("usage", "what was used, and what it cost")
    .argument("[id]", "only of this key")
    .option("--team <team>", "only of this team")
    .option("--model <model>", "only of this model")
    .option("--from <time>", "ISO 8601 (default: 30 days ago)")
    .option("--to <time>", "ISO 8601 (default: now)")
    .option("--bucket <bucket>", "hour, day or all", "day")
    .option("--group-by <names>", "key, team, provider, model, end_user, tag, with commas between them")
    .option("--csv", "as CSV", false)
    .action(async (id: string | undefined, options: UsageOptions) => {
      const { usage } = await import("./keys.ts");
      const { team, model, from, to, bucket, groupBy, ...rest } = options;
      process.exitCode = await usage({ key: id, team, model, from, to, bucket, groupBy }, rest);
    });
}

type UsageOptions = GatewayOptions & { readonly csv: boolean } & Partial<
    Record<"team" | "model" | "from" | "to" | "bucket" | "groupBy", string>
  >;
