import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";

/** `given` by a person, `stored` by an earlier start, `created` just now, or the documented `default`. */
export type SecretOrigin = "given" | "stored" | "created" | "default";

const SECRET_BYTES = 24;

/**
 * The secret `name`: the given one, else the one stored under the data folder, else a new random one, stored with
 * mode 0600 before it is used.
 */
export function readOrCreateSecret(
  dataDir: string,
  name: string,
  given: string | undefined,
  prefix: () => string,
): { value: string; origin: SecretOrigin } {
  if (given !== undefined) return { value: given, origin: "given" };
  const path = join(dataDir, name);
  const stored = readStored(path);
  if (stored !== undefined) return { value: stored, origin: "stored" };
  const value = prefix() + randomBytes(SECRET_BYTES).toString("base64url");
  try {
    writeFileSync(path, `${value}\n`, { mode: 0o600, flag: "w" });
    chmodSync(path, 0o600);
  } catch (error) {
    throw new ConfigError(`cannot store ${path}: ${(error as Error).message}`);
  }
  return { value, origin: "created" };
}

function readStored(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return text === "" ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(`cannot read ${path}: ${(error as Error).message}`);
  }
}
