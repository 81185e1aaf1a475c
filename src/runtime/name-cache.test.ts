import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NameCache, type Resolve } from "./name-cache.ts";

const ADDRESS = [{ address: "192.0.2.7", family: 4 }];
const FAILED = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });

let questions: Parameters<Resolve>[1][];
let nowMs: number;
let names: NameCache;

beforeEach(() => {
  vi.useFakeTimers();
  questions = [];
  nowMs = 0;
  names = new NameCache(
    (_host, done) => void questions.push(done),
    () => nowMs,
  );
});

afterEach(() => {
  vi.useRealTimers();
});

function ask(): Promise<string> {
  return new Promise((resolve) => {
    names.resolve("api.example.com", (error, found) => resolve(error?.code ?? found[0]!.address));
  });
}

async function later(ms: number): Promise<void> {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

test("one question for all who ask at once; a fresh answer asks none", async () => {
  const both = Promise.all([ask(), ask()]);
  questions[0]!(null, ADDRESS);
  expect(await both).toEqual(["192.0.2.7", "192.0.2.7"]);
  expect(await ask()).toBe("192.0.2.7");
  expect(questions).toHaveLength(1);
});

test("when the name service fails, the last answer serves on; when it comes back, so does the newest", async () => {
  const first = ask();
  questions[0]!(null, ADDRESS);
  await first;
  await later(60_000);
  const second = ask();
  questions[1]!(FAILED, []);
  expect(await second).toBe("192.0.2.7");
  expect(await ask()).toBe("192.0.2.7"); // Right after a failure nobody is asked.
  expect(questions).toHaveLength(2);
  await later(3_000);
  const third = ask();
  questions[2]!(null, [{ address: "192.0.2.8", family: 4 }]);
  expect(await third).toBe("192.0.2.8");
});

test("when the name service is slow, the last answer is used after a moment", async () => {
  const first = ask();
  questions[0]!(null, ADDRESS);
  await first;
  await later(60_000);
  const second = ask();
  await later(300);
  expect(await second).toBe("192.0.2.7");
});

test("without an answer at hand: the failure, or after some seconds that there is none; never a hang", async () => {
  const first = ask();
  questions[0]!(FAILED, []);
  expect(await first).toBe("ENOTFOUND");
  await later(3_000);
  const second = ask();
  await later(4_000);
  expect(await second).toBe("EAI_AGAIN");
  // The late answer is kept for the next.
  questions[1]!(null, ADDRESS);
  expect(await ask()).toBe("192.0.2.7");
});

test("an answer of yesterday is not used", async () => {
  const first = ask();
  questions[0]!(null, ADDRESS);
  await first;
  await later(24 * 3_600_000);
  const second = ask();
  questions[1]!(FAILED, []);
  expect(await second).toBe("ENOTFOUND");
});
