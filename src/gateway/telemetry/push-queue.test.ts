import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MetricSet } from "./metric-set.ts";
import { PushQueue, RefusedError } from "./push-queue.ts";

let set: MetricSet;
let sent: number[][];
let answer: () => Promise<void>;
beforeEach(() => {
  vi.useFakeTimers();
  set = new MetricSet();
  sent = [];
  answer = async () => {};
});
afterEach(() => vi.useRealTimers());

function queue(entriesMax = 10, batchMax = 3): PushQueue<number> {
  return new PushQueue<number>({
    name: "logs",
    entriesMax,
    batchMax,
    set,
    async send(batch) {
      await answer();
      sent.push([...batch]);
    },
  });
}
const dropped = (reason: string): number => set.counter("gatewayz_telemetry_dropped_total").child("logs", reason).value;

test("sends what waits within 300 ms, and a full batch at once", async () => {
  const numbers = queue();
  numbers.push(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(sent).toEqual([[1]]);
  for (const value of [2, 3, 4, 5]) numbers.push(value);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual([[1], [2, 3, 4]]);
  await vi.advanceTimersByTimeAsync(300);
  expect(sent).toEqual([[1], [2, 3, 4], [5]]);
});

test("while the peer is down it keeps up to its limit, counts the rest, backs off, and then sends all in order", async () => {
  let tries = 0;
  answer = async () => {
    tries++;
    throw new Error("down");
  };
  const numbers = queue(5, 3);
  for (let value = 1; value <= 8; value++) numbers.push(value);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(dropped("queue_full")).toBe(3);
  expect(tries).toBeGreaterThan(4);
  expect(tries).toBeLessThan(15);
  answer = async () => {};
  await vi.advanceTimersByTimeAsync(15_000);
  expect(sent.flat()).toEqual([1, 2, 3, 4, 5]);
  expect(set.counter("gatewayz_telemetry_sent_total").child("logs").value).toBe(5);
});

test("a refused batch is dropped and counted, the next one is tried", async () => {
  answer = async () => {
    answer = async () => {};
    throw new RefusedError("400");
  };
  const numbers = queue();
  for (const value of [1, 2, 3, 4]) numbers.push(value);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual([[4]]);
  expect(dropped("refused")).toBe(3);
});

test("close sends the rest, and gives up on a peer that hangs", async () => {
  const numbers = queue();
  numbers.push(1);
  await numbers.close();
  expect(sent).toEqual([[1]]);
  numbers.push(2);
  expect(dropped("closing")).toBe(1);
  answer = () => new Promise(() => {});
  const hanging = queue();
  hanging.push(1);
  const closing = hanging.close();
  await vi.advanceTimersByTimeAsync(3_000);
  await closing;
  expect(dropped("closing")).toBe(2);
});
