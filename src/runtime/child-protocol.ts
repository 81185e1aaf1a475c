import type { RoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";

/** What the supervisor sends to a role's process, once, right after the fork. */
export interface ToChild {
  readonly type: "start";
  readonly role: RoleName;
  readonly config: Config;
  /** Present where the process is one of several workers of the gateway: what its primary tells it. */
  readonly worker?: unknown;
}

/** What a role's process reports back. */
export type FromChild =
  | { readonly type: "ready"; readonly urls: Readonly<Record<string, string>> }
  | { readonly type: "failed"; readonly message: string; readonly stack: string | undefined };

/** Exit code for what a restart cannot mend: a port or folder that is taken, a wrong configuration (sysexits EX_CONFIG). */
export const EXIT_FATAL = 78;
