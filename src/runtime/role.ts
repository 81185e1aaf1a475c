import type { Registry } from "prom-client";
import type { RoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";
import type { Logger } from "./logger.ts";

/** Everything a role gets from outside; nothing in a role is a process-wide singleton, so that all fit in one process. */
export interface RoleContext {
  readonly name: RoleName;
  readonly config: Config;
  /** This role's own folder, created and locked before the role starts. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** The role's own metrics; `GET /metrics` serves it. */
  readonly registry: Registry;
  /** Aborted when shutdown begins; long loops stop on it. */
  readonly signal: AbortSignal;
}

/** A started role. */
export interface Role {
  /** Addresses that are really bound, `http://host:port`, by listener name; `main` is the role's HTTP API. */
  readonly urls: Readonly<Record<string, string>>;
  /** Stops accepting, drains within the shutdown limit, flushes to disk. Called once. */
  close(): Promise<void>;
}

/** The one export of each role's `index.ts`. Resolves when the role answers its readiness path with 200. */
export type StartRole = (context: RoleContext) => Promise<Role>;
