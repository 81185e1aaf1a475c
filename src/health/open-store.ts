import { join } from "node:path";
import type { RoleContext } from "../runtime/role.ts";
import { HealthStore } from "./store.ts";

const STORE_FILE = "health.db";

/**
 * The store on disk, or, where the disk refuses, one in memory (contract section 2: the simple monitor), so that the
 * service watches on; the file is left as it is.
 */
export function openStore({ dataDir, logger }: RoleContext): { store: HealthStore; type: "intelligent" | "simple" } {
  const file = join(dataDir, STORE_FILE);
  try {
    return { store: new HealthStore(file), type: "intelligent" };
  } catch (error) {
    logger.error(
      { error: (error as Error).message, file },
      "health database cannot be used; keeping results in memory only",
    );
    return { store: new HealthStore(":memory:"), type: "simple" };
  }
}
