import { createHash } from "node:crypto";
import { existsSync, type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "../runtime/logger.ts";
import { ConfigRefused, type LiveConfig } from "./live-config/live-config.ts";
import type { Telemetry } from "./request-record.ts";

/** Editors write a file in several steps; it is read when its content has stayed the same for so long. */
const QUIET_MS = 100;
/** A process that is started again gets the configuration of the program's start; the file may have changed since. */
const CATCH_UP_MS = 1_000;
/** Stands for the content of a file that is not there. */
const ABSENT = "absent";
/** Where the system tells nothing (network drives, some container mounts), it is looked at this often. */
const LOOK_INTERVAL_MS = 5_000;

export interface ReloadOptions {
  readonly live: LiveConfig;
  /** As at the start. */
  readonly config: Config;
  readonly telemetry: Pick<Telemetry, "event">;
  readonly logger: Logger;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingDir?: string;
}

/**
 * Reads `gatewayz.yaml` again when it has changed, and on SIGHUP. What it says about the gateway holds from then on; a
 * file that is wrong changes nothing, and one line says what is wrong with it and where.
 */
export class ConfigReload {
  readonly #options: ReloadOptions;
  readonly #file: string;
  readonly #hangUp = (): void => this.reload();
  #watcher: FSWatcher | undefined;
  #looking: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #catchingUp: NodeJS.Timeout | undefined;
  /** Of the content that was read last. */
  #digest: string | undefined;
  /** Of a content that is new and waits to stay the same. */
  #candidate: string | undefined;

  constructor(options: ReloadOptions) {
    this.#options = options;
    const { config, workingDir = process.cwd() } = options;
    this.#file = config.configFile ?? resolve(workingDir, "gatewayz.yaml");
    this.#tellRead(true);
  }

  start(): void {
    this.#digest = this.#currentDigest();
    try {
      // The folder, as editors and platforms replace the file, and the watch of a file that is gone hears nothing.
      this.#watcher = watch(dirname(this.#file), { persistent: false }, () => this.#noticed());
      this.#watcher.on("error", () => this.#watcher?.close()); // Looking goes on.
    } catch (error) {
      const { logger } = this.#options;
      logger.warn(
        { file: this.#file, error: (error as Error).message },
        "configuration file is not watched, only looked at",
      );
    }
    this.#looking = setInterval(() => this.#noticed(), LOOK_INTERVAL_MS);
    this.#looking.unref();
    process.on("SIGHUP", this.#hangUp);
    if (this.#options.config.configFile === undefined) return;
    this.#catchingUp = setTimeout(() => void this.#read(false), CATCH_UP_MS);
    this.#catchingUp.unref();
  }

  close(): void {
    process.off("SIGHUP", this.#hangUp);
    this.#watcher?.close();
    clearInterval(this.#looking);
    clearTimeout(this.#quiet);
    clearTimeout(this.#catchingUp);
  }

  /** Something happened in the folder; not always to this file, and perhaps all the time. */
  #noticed(): void {
    if (this.#quiet !== undefined) return;
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined;
      this.#look();
    }, QUIET_MS);
    this.#quiet.unref();
  }

  #look(): void {
    const digest = this.#currentDigest();
    if (digest === this.#digest) return;
    if (digest === this.#candidate) {
      this.reload();
      return;
    }
    this.#candidate = digest;
    this.#noticed();
  }

  #currentDigest(): string {
    try {
      return createHash("sha256").update(readFileSync(this.#file)).digest("hex");
    } catch {
      return ABSENT; // Or it cannot be read: `reload` says so.
    }
  }

  #tellRead(usable: boolean): void {
    this.#options.telemetry.event("configRead", { usable, atSeconds: Math.floor(Date.now() / 1_000) });
  }

  /** Reads the file now. Never throws. */
  reload(): void {
    void this.#read(true);
  }

  /** @param asked False where nobody expects a change, and so none is told when there is none. */
  async #read(asked: boolean): Promise<void> {
    const { live, telemetry, logger, config, environment = process.env, workingDir = process.cwd() } = this.#options;
    const file = this.#file;
    this.#digest = this.#currentDigest();
    this.#candidate = undefined;
    try {
      const { loadConfig } = await import("../config/load.ts"); // A start has no time for the YAML parser.
      // A configuration that was named must be there; the standard one may come and go.
      const named = config.configFile !== undefined || existsSync(file);
      const loaded = loadConfig({
        ...(named && { configFile: file }),
        environment,
        workingDir,
        installDir: config.installDir,
        roles: ["gateway"],
        readOnly: true,
      });
      const change = live.applyFile(loaded.config.gateway);
      const { sections, restart, providers } = change;
      this.#tellRead(true);
      const result = sections.length === 0 && restart.length === 0 ? "unchanged" : "applied";
      if (restart.length > 0)
        logger.warn({ file, restart }, "configuration reloaded; these sections hold after a restart");
      if (sections.length > 0) logger.info({ file, sections, providers }, "configuration reloaded");
      if (asked && result === "unchanged") logger.info({ file }, "configuration read again; nothing has changed");
      if (asked || result === "applied") telemetry.event("configReloaded", { result });
    } catch (error) {
      const known = error instanceof ConfigError || error instanceof ConfigRefused;
      const { message, stack } = error as Error;
      logger.error({ file, error: known ? message : stack }, "configuration not reloaded; the one before stays");
      this.#tellRead(false);
      telemetry.event("configReloaded", { result: "rejected" });
    }
  }
}
