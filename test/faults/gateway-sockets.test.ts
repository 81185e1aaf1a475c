import { expect, test } from "vitest";
import { runSocketCampaign } from "../campaigns/socket-campaign.ts";

/** FAULTS row 19, the short form of `npm run campaign:sockets`. */
test("500 idle connections beside 50 active ones: all are kept, all requests are answered, all are let go", async () => {
  const result = await runSocketCampaign({ idle: 500, active: 50, everyMs: 200, seconds: 3, workers: 1 });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  expect(result.dropped).toBe(0);
  expect([result.alone.failed, result.beside.failed]).toEqual([0, 0]);
  expect(result.beside.requests).toBeGreaterThan(200);
  expect(result.beside.p99Ms).toBeLessThan(result.alone.p99Ms * 3 + 100);
  expect(result.kilobytesPerIdleSocket).toBeLessThan(60);
});
