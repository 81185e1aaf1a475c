/** A gateway in a process of its own, for tests that kill it. Argument: `{ dataDir, config }` as JSON. */
import type { ConfigInput } from "../../src/config/schema.ts";
import { start } from "../../src/gateway/index.ts";
import { testContext } from "../../src/runtime/testing.ts";

const { dataDir, config } = JSON.parse(process.argv[2]!) as { dataDir: string; config: ConfigInput };
const context = await testContext("gateway", { mode: "live", ...config }, dataDir);
const role = await start(context);
process.stdout.write(`${role.urls["main"]}\n`);
process.on("SIGTERM", () => void role.close().then(() => process.exit(0)));
