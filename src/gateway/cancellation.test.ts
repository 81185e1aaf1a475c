import { expect, test } from "vitest";
import { Cancellation, type CancelSignal } from "./cancellation.ts";

/** The same steps for ours and for the platform's. */
const KINDS: readonly [string, () => { signal: CancelSignal; abort(reason: unknown): void }][] = [
  [
    "Cancellation",
    () => {
      const cancellation = new Cancellation();
      return { signal: cancellation, abort: (reason) => cancellation.abort(reason) };
    },
  ],
  [
    "AbortController",
    () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
    },
  ],
];

test.each(KINDS)("%s tells its listeners once, in order, and none that has left or comes late", (_name, make) => {
  const { signal, abort } = make();
  const told: string[] = [];
  const leaving = (): void => void told.push("leaving");
  signal.addEventListener("abort", () => void told.push("first"));
  signal.addEventListener("abort", leaving);
  signal.addEventListener("abort", () => void told.push(`second: ${String(signal.reason)}`));
  signal.removeEventListener("abort", leaving);
  expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
  signal.throwIfAborted();
  abort("gone");
  abort("again");
  signal.addEventListener("abort", () => void told.push("late"));
  expect(told).toEqual(["first", "second: gone"]);
  expect([signal.aborted, signal.reason]).toEqual([true, "gone"]);
  expect(() => signal.throwIfAborted()).toThrow("gone");
});

test.each(KINDS)("%s: a listener may take another off while they are told", (_name, make) => {
  const { signal, abort } = make();
  const told: string[] = [];
  signal.addEventListener("abort", () => void told.push("only"));
  signal.addEventListener("abort", () => signal.removeEventListener("abort", () => undefined));
  abort(new Error("x"));
  expect(told).toEqual(["only"]);
});
