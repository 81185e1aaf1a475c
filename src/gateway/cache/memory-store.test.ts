import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import type { CachedReply } from "./cached-answer.ts";
import { MemoryStore } from "./memory-store.ts";
import { answerStoreSuite } from "./testing-suite.ts";

afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;
const place = (key: string) => ({ key, keyHash: "h", model: "m" });

function reply(bytes: number): CachedReply {
  return {
    stream: false,
    contentType: "application/json",
    bytes: Buffer.alloc(bytes),
    provider: "p",
    model: "m",
    responseId: undefined,
    finishReason: undefined,
    simulated: false,
    costUsd: 0.1,
    chunks: 0,
    storedAtMs: 0,
  };
}

function store(entries: number, bytesMax: number) {
  const evicted: string[] = [];
  let sized = 0;
  const events = {
    sized: (bytes: number) => void (sized = bytes),
    evicted: (why: string, n: number) => void evicted.push(`${why} ${n}`),
  };
  return { store: new MemoryStore({ entries, bytesMax }, events), evicted, sized: () => sized };
}

test("an answer is good for its time", () => {
  vi.useFakeTimers();
  const { store: answers, evicted, sized } = store(10, 10_000);
  answers.set(place("a"), reply(10), HOUR_MS);
  vi.advanceTimersByTime(HOUR_MS - 1);
  expect(answers.get(place("a"))).toBeDefined();
  vi.advanceTimersByTime(1);
  expect(answers.get(place("a"))).toBeUndefined();
  expect([evicted, sized()]).toEqual([["expired 1"], 0]);
});

test("who was not asked for the longest time leaves first", () => {
  const { store: answers, evicted } = store(2, 100_000);
  answers.set(place("a"), reply(1), HOUR_MS);
  answers.set(place("b"), reply(1), HOUR_MS);
  answers.get(place("a"));
  answers.set(place("c"), reply(1), HOUR_MS);
  expect(["a", "b", "c"].map((key) => answers.get(place(key)) !== undefined)).toEqual([true, false, true]);
  expect(evicted).toEqual(["entries 1"]);
});

test("whatever is put in, neither entries nor bytes pass their limits, and the count of bytes is right", () => {
  const put = fc.record({ key: fc.integer({ min: 0, max: 12 }), bytes: fc.integer({ min: 0, max: 3_000 }) });
  fc.assert(
    fc.property(fc.array(put, { maxLength: 60 }), (puts) => {
      const { store: answers, sized } = store(5, 6_000);
      for (const { key, bytes } of puts) answers.set(place(String(key)), reply(bytes), HOUR_MS);
      const { entries, bytes } = answers.stats();
      expect(entries).toBeLessThanOrEqual(5);
      expect(bytes).toBeLessThanOrEqual(6_000);
      let counted = 0;
      for (let key = 0; key <= 12; key++) counted += (answers.get(place(String(key)))?.bytes.length ?? -512) + 512;
      expect(counted).toBe(bytes);
      if (puts.some(({ bytes: size }) => size + 512 <= 6_000)) expect(sized()).toBe(bytes);
    }),
  );
});

answerStoreSuite(async () => ({ store: store(100, 1_000_000).store, close: async () => undefined }));
