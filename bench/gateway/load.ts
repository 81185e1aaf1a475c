// The clients of bench/gateway, in a process of their own: closed loops for CPU, a fixed schedule for latency, and many
// open streams for memory. Takes one order after the other by IPC.
import { Agent } from "undici";

export type Order = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in turn. */
  readonly requests: readonly { readonly path: string; readonly body: string }[];
} & (
  | { readonly kind: "closed"; readonly connections: number; readonly ms: number }
  | { readonly kind: "count"; readonly connections: number; readonly count: number }
  | { readonly kind: "open"; readonly perSecond: number; readonly ms: number }
  | { readonly kind: "hold"; readonly streams: number }
  | { readonly kind: "release" }
);

export interface Result {
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  /** From the intended start, ms: p50, p99 of the whole answer, and of its first byte. */
  readonly p50: number;
  readonly p99: number;
  readonly firstP50: number;
  readonly firstP99: number;
  readonly error: string | undefined;
}

const agent = new Agent({ connections: 20_000, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 120_000 });
let held: AbortController | undefined;

interface Tally {
  readonly whole: number[];
  readonly first: number[];
  failed: number;
  error: string | undefined;
}

function send(order: Order, index: number, intendedMs: number, tally: Tally, signal?: AbortSignal): Promise<void> {
  const { path, body } = order.requests[index % order.requests.length]!;
  return new Promise((resolve) => {
    let status = 0;
    let first = 0;
    const fail = (reason: string): void => {
      tally.failed++;
      tally.error ??= reason;
      resolve();
    };
    agent.dispatch(
      {
        origin: order.url,
        method: "POST",
        path,
        headers: { "content-type": "application/json", ...order.headers },
        body,
      },
      {
        onRequestStart(controller) {
          signal?.addEventListener("abort", () => controller.abort(new Error("released")));
        },
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData(_controller, chunk) {
          if (first === 0) first = performance.now();
          if (status !== 200) tally.error ??= `${status} ${chunk.toString("utf8").slice(0, 200)}`;
        },
        onResponseEnd() {
          if (status !== 200) return fail(`status ${status}`);
          const now = performance.now();
          tally.whole.push(now - intendedMs);
          tally.first.push((first || now) - intendedMs);
          resolve();
        },
        onResponseError(_controller, error) {
          fail(error.message);
        },
      },
    );
  });
}

async function run(order: Order): Promise<Result> {
  const tally: Tally = { whole: [], first: [], failed: 0, error: undefined };
  const startedAt = performance.now();
  if (order.kind === "closed" || order.kind === "count") {
    let next = 0;
    const until = order.kind === "closed" ? startedAt + order.ms : Number.POSITIVE_INFINITY;
    const most = order.kind === "count" ? order.count : Number.POSITIVE_INFINITY;
    const client = async (): Promise<void> => {
      while (performance.now() < until && next < most) await send(order, next++, performance.now(), tally);
    };
    await Promise.all(Array.from({ length: order.connections }, client));
  } else if (order.kind === "open") {
    const total = Math.floor((order.perSecond * order.ms) / 1_000);
    const open: Promise<void>[] = [];
    while (open.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) * order.perSecond) / 1_000) + 1);
      while (open.length < due) {
        open.push(send(order, open.length, startedAt + (open.length * 1_000) / order.perSecond, tally));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(open);
  } else if (order.kind === "hold") {
    held = new AbortController();
    for (let index = 0; index < order.streams; index++) {
      void send(order, index, performance.now(), tally, held.signal);
      if (index % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } else held?.abort();
  return summary(tally, (performance.now() - startedAt) / 1_000);
}

function summary({ whole, first, failed, error }: Tally, seconds: number): Result {
  whole.sort((a, b) => a - b);
  first.sort((a, b) => a - b);
  const at = (values: number[], share: number): number => values[Math.floor((values.length - 1) * share)] ?? 0;
  return {
    done: whole.length,
    failed,
    seconds,
    p50: at(whole, 0.5),
    p99: at(whole, 0.99),
    firstP50: at(first, 0.5),
    firstP99: at(first, 0.99),
    error,
  };
}

process.on("message", (order: Order) => void run(order).then((result) => process.send!(result)));
process.on("disconnect", () => process.exit(0));
process.send!("ready");
