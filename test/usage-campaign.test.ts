import { expect, test } from "vitest";
import { runUsageCampaign } from "./campaigns/usage-campaign.ts";

/** The short form of `npm run campaign:usage`. */
const SEED = Number(process.env["GATEWAYZ_CAMPAIGN_SEED"] ?? 20_261_125);

test("mixed requests with faults, clients that leave, killed workers and a killed gateway: usage is what was served, to the token", async () => {
  const requests = 1_500;
  const result = await runUsageCampaign({ requests, kills: 1, roleKills: 1, seed: SEED, workers: 2, clients: 32 });
  expect(result.mistakes, `seed ${SEED}`).toEqual([]);
  expect(result.ended + result.refused + result.cut + result.aborted).toBe(requests);
  expect(result.ended).toBeGreaterThan(requests * 0.8);
  expect(result.refused).toBeGreaterThan(requests * 0.05);
}, 150_000);
