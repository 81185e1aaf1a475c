// 10,000 idle and 1,000 active connections to one gateway: what they cost each other, and what an idle one costs.
// Run: npm run build && npm run campaign:sockets [workers]
import { runSocketCampaign } from "./socket-campaign.ts";

const workers = Number(process.argv[2] ?? 1);
const result = await runSocketCampaign({ idle: 10_000, active: 1_000, everyMs: 4_000, seconds: 15, workers });
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
process.exit(result.dropped + result.alone.failed + result.beside.failed === 0 ? 0 : 1);
