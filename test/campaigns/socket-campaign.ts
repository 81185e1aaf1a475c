import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { json, OPENAI_COMPLETION, startFixtureProvider } from "../../src/gateway/testing/fixture-provider.ts";
import { gatewayPids, NO_LIMITS, residentMegabytes, startGatewayStack } from "../support/gateway-stack.ts";
import type { Stack } from "../support/stack.ts";
import { until } from "../support/until.ts";

export interface SocketCampaignOptions {
  /** Connections that made one request and then keep silent. */
  readonly idle: number;
  /** Connections that ask a model every `everyMs`. */
  readonly active: number;
  readonly everyMs: number;
  readonly seconds: number;
  readonly workers: number;
}

export interface Latency {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that were not answered with 200. */
  readonly failed: number;
}

export interface SocketCampaignResult {
  /** The active connections alone, and then beside the idle ones. */
  readonly alone: Latency;
  readonly beside: Latency;
  /** Idle connections that the gateway closed, of those that were open when it ended. */
  readonly dropped: number;
  readonly kilobytesPerIdleSocket: number;
  readonly megabytes: { readonly before: number; readonly withIdle: number; readonly after: number };
  /** Descriptors of the gateway's processes before the first and after the last connection. */
  readonly descriptors: { readonly before: number; readonly after: number };
}

/** The kernel tells connections apart by address and port: more addresses of loopback, more connections. */
const ADDRESSES = 50;
const OPENED_AT_ONCE = 200;
/** Beside connections: files, the provider's connections. */
const SPARE_DESCRIPTORS = 2_000;

const BODY = JSON.stringify({ model: "m-1", messages: [{ role: "user", content: "x" }] });

/** One connection to the gateway, for one request at a time. */
class Client {
  readonly #socket: Socket;
  #received = "";
  #answered: ((status: number) => void) | undefined;
  closed = false;

  constructor(port: number, index: number) {
    this.#socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + (index % ADDRESSES)}` });
    this.#socket.setNoDelay();
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.closed = true;
      this.#answered?.(0);
    });
    this.#socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      const end = this.#received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? 0);
      if (this.#received.length < end + 4 + length) return;
      const status = Number(this.#received.slice(9, 12));
      this.#received = "";
      this.#answered?.(status);
    });
  }

  /** @returns the status; 0 where the connection was closed. */
  ask(request: string): Promise<number> {
    return new Promise((resolve) => {
      if (this.closed) return resolve(0);
      this.#answered = resolve;
      this.#socket.write(request);
      return undefined;
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Opens the connections and measures. @throws Error where the limit of descriptors cannot be raised. */
export async function runSocketCampaign(options: SocketCampaignOptions): Promise<SocketCampaignResult> {
  const { idle, active, workers } = options;
  raiseDescriptors(process.pid, idle + active);
  const provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  const stack = await startGatewayStack({
    workers,
    limits: NO_LIMITS,
    concurrency: { active: active, queued: active },
    providers: { oai: { baseUrl: `${provider.url}/v1`, models: ["m-1"] } },
  });
  for (const pid of gatewayPids(stack)) raiseDescriptors(pid, idle + active);
  const chat = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${stack.adminKey}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  const descriptorsBefore = descriptors(stack);
  const talkers = Array.from({ length: active }, (_, index) => new Client(stack.ports.gateway, index));
  await measure(talkers, chat, { ...options, seconds: (2 * options.everyMs) / 1_000 }); // Warm.
  const alone = await measure(talkers, chat, options);
  const before = residentMegabytes(stack);
  const silent = await openIdle(stack, idle);
  await sleep(500);
  const withIdle = residentMegabytes(stack);
  const beside = await measure(talkers, chat, options);
  const dropped = silent.filter(({ closed }) => closed).length;
  for (const client of [...silent, ...talkers]) client.destroy();
  let descriptorsAfter = 0;
  await until(
    "the gateway has let all connections go",
    () => (descriptorsAfter = descriptors(stack)) < descriptorsBefore + active + 100,
    10_000,
  );
  const after = residentMegabytes(stack);
  await stack.dispose();
  await provider.close();
  return {
    alone,
    beside,
    dropped,
    kilobytesPerIdleSocket: Math.round(((withIdle - before) * 1_000 * 10) / idle) / 10,
    megabytes: { before: Math.round(before), withIdle: Math.round(withIdle), after: Math.round(after) },
    descriptors: { before: descriptorsBefore, after: descriptorsAfter },
  };
}

/** Each makes one request, so that it is kept alive as a client's pool would. */
async function openIdle(stack: Stack, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  const quick = "GET /health/quick HTTP/1.1\r\nHost: localhost\r\n\r\n";
  while (clients.length < count) {
    const size = Math.min(OPENED_AT_ONCE, count - clients.length);
    const some = Array.from({ length: size }, (_, index) => new Client(stack.ports.gateway, clients.length + index));
    const statuses = await Promise.all(some.map((client) => client.ask(quick)));
    const refused = statuses.filter((status) => status !== 200).length;
    if (refused > 0) throw new Error(`${refused} of ${size} connections were not answered after ${clients.length}`);
    clients.push(...some);
  }
  return clients;
}

async function measure(clients: readonly Client[], request: string, options: SocketCampaignOptions): Promise<Latency> {
  const { everyMs, seconds } = options;
  const times: number[] = [];
  let failed = 0;
  const endsAt = performance.now() + seconds * 1_000;
  const talk = async (client: Client, index: number): Promise<void> => {
    await sleep((index / clients.length) * everyMs); // Spread evenly.
    while (performance.now() < endsAt) {
      const startedAt = performance.now();
      if ((await client.ask(request)) !== 200) failed++;
      const tookMs = performance.now() - startedAt;
      times.push(tookMs);
      await sleep(Math.max(0, everyMs - tookMs));
    }
  };
  await Promise.all(clients.map(talk));
  times.sort((left, right) => left - right);
  const at = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
  return { requests: times.length, p50Ms: at(0.5), p99Ms: at(0.99), failed };
}

function raiseDescriptors(pid: number, connections: number): void {
  const limit = connections + SPARE_DESCRIPTORS;
  const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--nofile=${limit}:${limit}`]);
  if (status !== 0) throw new Error(`cannot raise the limit of descriptors to ${limit}: ${stderr}`);
}

function descriptors(stack: Stack): number {
  return gatewayPids(stack).reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}
