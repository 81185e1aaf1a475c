import { expect, test } from "vitest";
import { isBusy, schedule } from "./scheduler.ts";

test("at most five tasks run at once, in order; a failed one frees its place", async () => {
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const signal = new AbortController().signal;
  const tasks = Array.from({ length: 12 }, (_, index) =>
    schedule(async () => {
      most = Math.max(most, ++running);
      order.push(index);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      if (index % 3 === 0) throw new Error("x");
    }, signal).catch(() => undefined),
  );
  expect(isBusy()).toBe(true);
  await Promise.all(tasks);
  expect([most, order, isBusy()]).toEqual([5, Array.from({ length: 12 }, (_, index) => index), false]);
});

test("a task cancelled while it waits never starts", async () => {
  const idle = new AbortController().signal;
  const blockers = Array.from({ length: 5 }, () =>
    schedule(() => new Promise<void>((resolve) => setTimeout(resolve, 10)), idle),
  );
  const controller = new AbortController();
  let started = false;
  const waiting = schedule(async () => {
    started = true;
  }, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toThrow();
  await Promise.all(blockers);
  expect([started, isBusy()]).toEqual([false, false]);
});
