// The gateway alone in a process of its own, for bench/gateway.ts: its provider is the stub whose port is the argument.
import { start } from "../src/gateway/index.ts";
import { testContext } from "../src/runtime/testing.ts";

const stub = `http://127.0.0.1:${process.argv[2]}`;
const context = await testContext("gateway", {
  mode: "live",
  logLevel: "error",
  gateway: {
    concurrency: { active: 1_000 },
    providers: {
      openai: { baseUrl: `${stub}/v1`, models: ["gpt-4o-mini"] },
      anthropic: { type: "anthropic", baseUrl: stub, models: ["claude-haiku-4-5"] },
    },
  },
});
const role = await start(context);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send!({ cpuMicros: user + system, rssBytes: process.memoryUsage().rss });
});
process.on("disconnect", () => process.exit(0));
process.send!({ url: role.urls["main"] });
