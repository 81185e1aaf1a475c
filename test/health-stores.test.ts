import { afterAll, describe } from "vitest";
import { healthStoreSuite } from "../src/health/testing/store-suite.ts";
import { dropAllTables, type RealServer, startPostgres } from "./support/real-servers.ts";

// Only where neither the machine nor Debian has one; the reason is on stderr.
const postgres = await startPostgres();
afterAll(async () => {
  await postgres?.stop();
});

describe.skipIf(postgres === undefined)("the health service's store on Postgres", () => {
  healthStoreSuite(async () => {
    const { url } = postgres as RealServer;
    await dropAllTables(url);
    return { url, file: "unused" };
  });
});
