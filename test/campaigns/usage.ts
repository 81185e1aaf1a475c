// 100,000 mixed requests with a tenth of faults, clients that leave, five kills of all workers and one of the whole
// gateway: the database must know what was served.
// Run: npm run build && npm run campaign:usage [requests] [seed]
import { runUsageCampaign } from "./usage-campaign.ts";

const requests = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 1e6));
process.stdout.write(`seed ${seed}\n`);
const result = await runUsageCampaign({ requests, kills: 5, roleKills: 1, seed, workers: 2, clients: 64 });
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
process.exit(result.mistakes.length === 0 ? 0 : 1);
