// CPU, latency, memory and start of the gateway against a bare proxy and two rivals, in alternating rounds, everything on.
// Run: npm run build && npm run bench:gateway [job …]; jobs: json stream translated latency first-chunk streams workers mixed start

import type { Order, Result } from "./load.ts";
import { installPeers, type Peer, type PeerName, startPeer } from "./peers.ts";
import { cpuMicros, family, message, pinned, residentBytes } from "./processes.ts";

const LOAD_CORE = 1;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const LATENCY_ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 6);
const CONNECTIONS = 32;
/**
 * What goes before a measurement, so that V8 has compiled what it will: counted, not timed, as a slow gateway would get
 * less of it. Streams are warmed up at a chunk a millisecond.
 */
const WARM_UP_REQUESTS = 10_000;
const WARM_UP_STREAMS = 2_000;
const HELD_STREAMS = Number(process.env["BENCH_STREAMS"] ?? 10_000);
const MIXED_REQUESTS = Number(process.env["BENCH_MIXED"] ?? 100_000);

type Requests = Order["requests"];

const stubProcess = pinned(LOAD_CORE, ["--import", "tsx", "bench/gateway/upstream.ts"]);
const { port } = await message<{ port: number }>(stubProcess);
const upstream = `http://127.0.0.1:${port}`;
const load = pinned(LOAD_CORE, ["--import", "tsx", "bench/gateway/load.ts"]);
await message(load);

async function order(order: Order): Promise<Result> {
  const result = message<Result>(load);
  load.send(order);
  const done = await result;
  if (done.failed > 0) process.stdout.write(`  ${done.failed} of ${done.done + done.failed} failed: ${done.error}\n`);
  return done;
}

const PROMPT = [{ role: "user", content: "Say hello to the world, please, in about fifty words." }];

function chat(model: string, members: object = {}): Requests[number] {
  return {
    path: "/v1/chat/completions",
    body: JSON.stringify({ model, messages: PROMPT, max_tokens: 100, ...members }),
  };
}

function anthropicMessage(model: string, members: object = {}): Requests[number] {
  return { path: "/v1/messages", body: JSON.stringify({ model, messages: PROMPT, max_tokens: 100, ...members }) };
}

const pace = (tickMs: number) => ({ stream: true, user: `tick-${tickMs}` });
const anthropicPace = (tickMs: number) => ({ stream: true, metadata: { user_id: `tick-${tickMs}` } });

/** Runs the rounds, each peer in turn and freshly started, and gives each peer's results. */
async function alternate<T>(
  names: readonly PeerName[],
  rounds: number,
  work: (peer: Peer) => Promise<T>,
): Promise<Map<PeerName, T[]>> {
  const results = new Map<PeerName, T[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const peer = await startPeer(name, upstream);
      try {
        results.get(name)!.push(await work(peer));
      } finally {
        peer.stop();
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }
  return results;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}

interface Cost {
  readonly micros: number;
  readonly perSecond: number;
  readonly megabytes: number;
  readonly p50: number;
  readonly p99: number;
}

async function warmUp(peer: Peer, requests: Requests): Promise<void> {
  const streams = requests[0]!.body.includes('"stream":true');
  await order({
    url: peer.url,
    headers: peer.headers,
    requests: requests.map(({ path, body }) => ({ path, body: body.replace(/"tick-\d+"/, '"tick-1"') })),
    connections: CONNECTIONS,
    kind: "count",
    count: streams ? WARM_UP_STREAMS : WARM_UP_REQUESTS,
  });
}

/** CPU of the gateway's processes per request of a closed loop, after a warm-up. */
async function cost(peer: Peer, requests: Requests, seconds = SECONDS): Promise<Cost> {
  const base = { url: peer.url, headers: peer.headers, requests, connections: CONNECTIONS } as const;
  await warmUp(peer, requests);
  const pids = family(peer.pid);
  const before = cpuMicros(pids);
  const { done, seconds: took, p50, p99 } = await order({ ...base, kind: "closed", ms: seconds * 1_000 });
  const micros = (cpuMicros(pids) - before) / done;
  return { micros, perSecond: done / took, megabytes: residentBytes(pids) / 1e6, p50, p99 };
}

function costTable(title: string, results: ReadonlyMap<PeerName, readonly Cost[]>): void {
  const bare = median(results.get("bare")!.map(({ micros }) => micros));
  process.stdout.write(`\n${title}\n`);
  for (const [name, costs] of results) {
    const micros = costs.map((one) => one.micros);
    const line = [
      name.padEnd(12),
      `${median(micros).toFixed(0)} µs (${Math.min(...micros).toFixed(0)} to ${Math.max(...micros).toFixed(0)})`.padEnd(
        28,
      ),
      `${(median(micros) / bare).toFixed(2)} × bare`.padEnd(14),
      `${median(costs.map((one) => one.perSecond)).toFixed(0)}/s`.padEnd(9),
      `p50 ${median(costs.map((one) => one.p50)).toFixed(1)} p99 ${median(costs.map((one) => one.p99)).toFixed(1)} ms`.padEnd(
        26,
      ),
      `${median(costs.map((one) => one.megabytes)).toFixed(0)} MB`,
    ];
    process.stdout.write(`  ${line.join(" ")}\n`);
  }
}

/** Latency over a fixed schedule at half of what the bare proxy can do. */
async function latency(
  title: string,
  requestsOf: (peer: Peer) => Requests,
  perSecond: number,
  first: boolean,
): Promise<void> {
  const results = await alternate(["bare", "gatewayz"], LATENCY_ROUNDS, async (peer) => {
    const base = { url: peer.url, headers: peer.headers, requests: requestsOf(peer), perSecond } as const;
    await warmUp(peer, base.requests);
    return order({ ...base, kind: "open", ms: SECONDS * 1_000 });
  });
  process.stdout.write(`\n${title}, ${perSecond.toFixed(0)}/s\n`);
  const value = (name: PeerName, pick: (result: Result) => number): number => median(results.get(name)!.map(pick));
  for (const [label, pick] of first
    ? ([
        ["p50", (one: Result) => one.firstP50],
        ["p99", (one: Result) => one.firstP99],
      ] as const)
    : ([
        ["p50", (one: Result) => one.p50],
        ["p99", (one: Result) => one.p99],
      ] as const)) {
    const [bare, own] = [value("bare", pick), value("gatewayz", pick)];
    process.stdout.write(
      `  ${label}: bare ${bare.toFixed(2)} ms, gatewayz ${own.toFixed(2)} ms, + ${(own - bare).toFixed(2)} ms\n`,
    );
  }
}

const jobs: Readonly<Record<string, () => Promise<void>>> = {
  async json() {
    const names: PeerName[] = installPeers() ? ["bare", "gatewayz", "portkey", "llms"] : ["bare", "gatewayz"];
    costTable("CPU per JSON request", await alternate(names, ROUNDS, (peer) => cost(peer, [chat(peer.openAiModel)])));
  },
  async stream() {
    const names: PeerName[] = installPeers() ? ["bare", "gatewayz", "portkey", "llms"] : ["bare", "gatewayz"];
    const work = (peer: Peer) => cost(peer, [chat(peer.openAiModel, pace(10))], SECONDS * 1.5);
    costTable("CPU per stream of 50 chunks, one each 10 ms", await alternate(names, ROUNDS, work));
  },
  async translated() {
    const bare = (peer: Peer) => [chat(peer.openAiModel, pace(10))];
    const directions = {
      "OpenAI client, Anthropic provider": (peer: Peer) => [chat(peer.anthropicModel, pace(10))],
      "Anthropic client, OpenAI provider": (peer: Peer) => [anthropicMessage(peer.openAiModel, anthropicPace(10))],
    };
    for (const [title, requestsOf] of Object.entries(directions)) {
      const work = (peer: Peer) => cost(peer, (peer.name === "bare" ? bare : requestsOf)(peer), SECONDS * 1.5);
      costTable(`CPU per translated stream: ${title}`, await alternate(["bare", "gatewayz"], ROUNDS, work));
    }
  },
  async latency() {
    const most = await alternate(["bare"], 1, (peer) => cost(peer, [chat(peer.openAiModel)]));
    const perSecond = most.get("bare")![0]!.perSecond / 2;
    await latency("Latency of a JSON request", (peer) => [chat(peer.openAiModel)], perSecond, false);
  },
  async "first-chunk"() {
    await latency("Time to the first chunk", (peer) => [chat(peer.openAiModel, pace(10))], 60, true);
  },
  async streams() {
    const results = await alternate(["bare", "gatewayz"], 1, async (peer) => {
      await order({
        url: peer.url,
        headers: peer.headers,
        requests: [chat(peer.openAiModel)],
        kind: "closed",
        connections: 8,
        ms: 2_000,
      });
      const pids = family(peer.pid);
      const before = residentBytes(pids);
      const base = { url: peer.url, headers: peer.headers, requests: [chat(peer.openAiModel, pace(1_000))] } as const;
      await order({ ...base, kind: "hold", streams: HELD_STREAMS });
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const each = (residentBytes(pids) - before) / HELD_STREAMS / 1_024;
      await order({ ...base, kind: "release" });
      return each;
    });
    process.stdout.write(`\n${HELD_STREAMS} open streams at one chunk a second\n`);
    for (const [name, [each]] of results) process.stdout.write(`  ${name.padEnd(12)} ${each!.toFixed(1)} KiB each\n`);
  },
  async workers() {
    const names: PeerName[] = ["bare", "gatewayz", "gatewayz-2"];
    costTable(
      "CPU per JSON request, one and two workers",
      await alternate(names, ROUNDS, (peer) => cost(peer, [chat(peer.openAiModel)])),
    );
  },
  async mixed() {
    const results = await alternate(["bare", "gatewayz"], 1, async (peer) => {
      const { openAiModel, anthropicModel } = peer;
      const own = peer.name === "bare" ? [] : [chat(anthropicModel), anthropicMessage(openAiModel, anthropicPace(1))];
      const requests = [
        chat(openAiModel),
        chat(openAiModel),
        chat(openAiModel, pace(1)),
        anthropicMessage(anthropicModel),
        ...own,
      ];
      const sizes: number[] = [];
      for (let part = 0; part < 5; part++) {
        await order({
          url: peer.url,
          headers: peer.headers,
          requests,
          kind: "count",
          connections: 64,
          count: MIXED_REQUESTS / 5,
        });
        sizes.push(residentBytes(family(peer.pid)) / 1e6);
      }
      return sizes;
    });
    process.stdout.write(`\nResident MB over ${MIXED_REQUESTS} mixed requests, at each fifth\n`);
    for (const [name, [sizes]] of results) {
      process.stdout.write(`  ${name.padEnd(12)} ${sizes!.map((size) => size.toFixed(0)).join(" ")}\n`);
    }
  },
  async start() {
    const names: PeerName[] = installPeers() ? ["bare", "gatewayz", "portkey", "llms"] : ["bare", "gatewayz"];
    const results = await alternate(names, LATENCY_ROUNDS, async (peer) => peer.startMs);
    process.stdout.write("\nStart to first answer\n");
    for (const [name, times] of results) {
      process.stdout.write(
        `  ${name.padEnd(12)} ${median(times).toFixed(0)} ms (${times.map((ms) => ms.toFixed(0)).join(", ")})\n`,
      );
    }
  },
};

const asked = process.argv.slice(2);
for (const name of asked)
  if (jobs[name] === undefined) throw new Error(`no such job: ${name}; jobs: ${Object.keys(jobs).join(" ")}`);
for (const [name, job] of Object.entries(jobs)) if (asked.length === 0 || asked.includes(name)) await job();
load.disconnect();
stubProcess.disconnect();
