/**
 * What telemetry costs per request: metrics, log line and spans of a JSON request and of a stream, pushed to a sink in
 * another process. CPU of this process only; run it alone, `npm run bench:telemetry`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createTelemetry } from "../src/gateway/telemetry/index.ts";
import { finishedRecord } from "../src/gateway/telemetry/testing.ts";
import { testContext } from "../src/runtime/testing.ts";

const REQUESTS = 20_000;
/** Below the limits of the queues; between bursts the sink catches up. */
const BURST = 50;
const PAUSE_MS = 12;
const ROUNDS = 5;

const SINK = `require("node:http").createServer((request, reply) => {
  request.resume().on("end", () => reply.end("{}"));
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;

async function startSink(): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, ["-e", SINK], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: `http://127.0.0.1:${String(line).trim()}`, stop: () => void child.kill() };
}

/** Records as routes finish them; made before the clock starts, as making them is not telemetry's work. */
function records(stream: boolean) {
  return Array.from({ length: REQUESTS }, (_, index) => {
    const record = finishedRecord({
      client: { keyName: "app", keyHash: "0123456789abcdef", tier: "basic", unlimited: false },
    });
    const outcome = { ...record.outcome!, ...(stream ? {} : { timeToFirstChunkMs: undefined, chunks: 0 }) };
    const model = `model-${index % 20}`;
    return {
      ...record,
      inference: { ...record.inference!, stream, requestedModel: model },
      attempts: record.attempts.map((attempt) => ({ ...attempt, model })),
      outcome: { ...outcome, model },
    };
  });
}

async function measure(url: string | undefined, stream: boolean): Promise<number> {
  const context = await testContext("gateway", url === undefined ? {} : { peers: { logs: url, otlp: url } });
  const telemetry = createTelemetry(context, { providers: ["simulator"] });
  const all = records(stream);
  const before = process.cpuUsage();
  for (let start = 0; start < all.length; start += BURST) {
    for (const record of all.slice(start, start + BURST)) {
      telemetry.event("concurrencyChanged", { active: 1, queued: 0 });
      telemetry.requestStarted(record);
      telemetry.event("breakerResult", { provider: "simulator", state: "closed", success: true });
      telemetry.event("priceLookup", { model: "model-1", known: true, cacheHit: true });
      telemetry.requestFinished(record);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const { user, system } = process.cpuUsage(before);
  const { body } = await telemetry.metrics(undefined);
  const dropped = body.split("\n").filter((line) => /^gatewayz_telemetry_dropped_total.* [1-9]/.test(line));
  if (dropped.length > 0) process.stdout.write(`entries were dropped, so this is too good: ${dropped.join("; ")}\n`);
  await telemetry.close();
  await context.dispose();
  return (user + system) / REQUESTS;
}

const sink = await startSink();
for (const [name, url, stream] of [
  ["metrics only, JSON", undefined, false],
  ["everything, JSON", sink.url, false],
  ["everything, stream", sink.url, true],
] as const) {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(url, stream));
  rounds.sort((a, b) => a - b);
  const [best, median] = [rounds[0]!, rounds[Math.floor(ROUNDS / 2)]!];
  process.stdout.write(`${name.padEnd(20)} best ${best.toFixed(1)}, median ${median.toFixed(1)} µs CPU per request\n`);
}
sink.stop();
