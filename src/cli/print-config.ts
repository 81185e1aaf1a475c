import { stringify } from "yaml";
import { loadConfig } from "../config/load.ts";
import { ROLE_NAMES } from "../config/roles.ts";
import { withPeers } from "../config/topology.ts";

const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "apiKey",
  /** Of a client, and of one of several for a provider. */
  "key",
  "adminApiKey",
  "engineKey",
  "password",
  "secret",
  "routingKey",
]);
/** Channels of alerts whose address is all that is needed to write to them. */
const SECRET_ADDRESSES: ReadonlySet<string> = new Set(["webhook", "slack", "discord"]);

/** What the program works out itself and no `gatewayz.yaml` may say. */
const DERIVED_FIELDS: ReadonlySet<string> = new Set(["dataBytesMax", "installDir", "configFile"]);

/** `gatewayz config`: the effective configuration in the form of a `gatewayz.yaml`, without its secrets. */
export function printConfig(configFile: string | undefined, installDir: string): void {
  const { config } = loadConfig({
    configFile,
    environment: process.env,
    workingDir: process.cwd(),
    installDir,
    roles: ROLE_NAMES,
    readOnly: true,
  });
  const shown = JSON.parse(JSON.stringify(withPeers(config, ROLE_NAMES), hideSecrets)) as Record<string, unknown>;
  process.stdout.write(
    stringify(Object.fromEntries(Object.entries(shown).filter(([field]) => !DERIVED_FIELDS.has(field)))),
  );
}

function hideSecrets(key: string, value: unknown): unknown {
  if (SECRET_FIELDS.has(key) && typeof value === "string") return "<secret>";
  // Headers of one's own for a provider are credentials as often as not.
  if (key === "headers" && typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.keys(value).map((name) => [name, "<secret>"]));
  }
  if (SECRET_ADDRESSES.has(key) && typeof value === "object" && value !== null && "url" in value) {
    return { ...value, url: "<secret>" };
  }
  // Addresses may carry credentials of their own.
  if (typeof value === "string") {
    return value.replace(/^([a-z]+:\/\/)[^/@]*@/, "$1<secret>@").replace(/([?&]password=)[^&]*/, "$1<secret>");
  }
  return value;
}
