import { expect, test } from "vitest";
import { STORED_RESPONSE_CHARS_MAX, STORED_RESPONSES_MAX } from "../limits.ts";
import { ResponseStore } from "./store.ts";

test("the oldest go when there are too many, or too much of them", () => {
  const store = new ResponseStore();
  for (let index = 0; index <= STORED_RESPONSES_MAX; index++)
    store.put("k", `r${index}`, { response: {}, input: [], output: [] });
  expect([store.get("k", "r0"), store.get("k", "r1") !== undefined]).toEqual([undefined, true]);
  const half = { response: {}, output: [], input: [{ content: "x".repeat(STORED_RESPONSE_CHARS_MAX / 2) }] };
  store.put("k", "big1", half);
  store.put("k", "big2", half);
  expect([store.get("k", "big1"), store.get("k", "big2") !== undefined]).toEqual([undefined, true]);
  store.put("k", "huge", { response: {}, output: [], input: [{ content: "x".repeat(STORED_RESPONSE_CHARS_MAX) }] });
  expect(store.get("k", "huge")).toBeUndefined();
  expect(store.get("k", "big2")).toBeDefined();
});

test("a response belongs to the key that made it", () => {
  const store = new ResponseStore();
  store.put("a", "r", { response: {}, input: [], output: [] });
  expect([store.get("b", "r"), store.delete("b", "r"), store.delete("a", "r"), store.delete("a", "r")]).toEqual([
    undefined,
    false,
    true,
    false,
  ]);
});
