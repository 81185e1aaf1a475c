import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";

/** `given` by a person, `stored` by an earlier start, `created` just now, or the documented `default`. */
export type SecretOrigin = "given" | "stored" | "created" | "default";

const SECRET_BYTES = 24;
/** Another process that has just made the file has written it by then. */
const WRITER_MS = 50;

export interface SecretOptions {
  readonly dataDir: string;
  readonly name: string;
  readonly given: string | undefined;
  /** Put in front of the random part, so that scanners recognise a leaked key. */
  readonly prefix: string;
  /** True where nothing may be written; a secret that is not there yet is empty then. */
  readonly readOnly: boolean;
}

/**
 * The secret `name`: the given one, else the one stored under the data folder, else a new random one, stored with
 * mode 0600 before it is used.
 */
export function readOrCreateSecret(options: SecretOptions): { value: string; origin: SecretOrigin } {
  const { dataDir, name, given, prefix, readOnly } = options;
  if (given !== undefined) return { value: given, origin: "given" };
  const path = join(dataDir, name);
  const stored = readStored(path);
  if (stored !== undefined) return { value: stored, origin: "stored" };
  if (readOnly) return { value: "", origin: "default" };
  const value = prefix + randomBytes(SECRET_BYTES).toString("base64url");
  if (!storeNew(path, `${value}\n`)) return { value: readStored(path) ?? "", origin: "stored" };
  return { value, origin: "created" };
}

/**
 * Stores a new secret with mode 0600; false when another process that starts now was first: its secret is the one in
 * use. A file that stays empty (a disk that was full) is written anew.
 */
function storeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: "wx", flush: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw cannotStore(path, error as Error);
  }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WRITER_MS);
  if (readStored(path) !== undefined) return false;
  try {
    writeFileSync(path, text, { flush: true });
    chmodSync(path, 0o600);
    return true;
  } catch (error) {
    throw cannotStore(path, error as Error);
  }
}

function cannotStore(path: string, error: Error): ConfigError {
  return new ConfigError(
    `cannot store ${path}: ${error.message}; set GATEWAYZ_DATA to a folder that this user may write`,
  );
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
