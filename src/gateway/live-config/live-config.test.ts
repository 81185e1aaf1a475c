import fc from "fast-check";
import { expect, test } from "vitest";
import { assignInPlace, differingKeys, equal } from "./assign.ts";
import { Sealer } from "./sealed.ts";

const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => typeof value === "object" && value !== null && !Array.isArray(value));

test("assigning in place makes equal, and keeps the objects that both have", () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const target = structuredClone(before) as Record<string, unknown>;
      assignInPlace(target, structuredClone(after) as object);
      expect(equal(target, after)).toBe(true);
      expect(differingKeys(target, after as object)).toEqual([]);
    }),
  );
  const inner = { limit: 1, gone: true };
  const target = { inner, list: [1] };
  assignInPlace(target, { inner: { limit: 2 }, list: [2, 3] });
  expect(target.inner).toBe(inner);
  expect(inner).toEqual({ limit: 2 });
});

test("names like those of Object's own members are members", () => {
  const target: Record<string, unknown> = {};
  assignInPlace(target, JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as object);
  expect(Object.keys(target)).toEqual(["__proto__", "constructor"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("members that differ are named, whatever their order; an undefined member is none", () => {
  expect(differingKeys({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 })).toEqual([]);
  expect(differingKeys({ a: 1, b: { c: [1, 2] } }, { b: { c: [2, 1] }, d: 0 })).toEqual(["b", "d", "a"]);
  expect(equal({ a: undefined }, {})).toBe(true);
});

test("what is sealed opens with the same key only, and not after a change", () => {
  const sealer = new Sealer("admin-key-1");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const sealed = sealer.seal(text);
      expect(sealer.open(sealed)).toBe(text);
      expect(new Sealer("admin-key-2").open(sealed)).toBeUndefined();
    }),
  );
  const sealed = sealer.seal("secret");
  const flipped = `${sealed.slice(0, -2)}${sealed.endsWith("A") ? "BB" : "AA"}`;
  for (const wrong of [flipped, sealed.slice(0, 20), "", "v2.AAAA", "v1."]) expect(sealer.open(wrong)).toBeUndefined();
  expect(sealer.seal("secret")).not.toBe(sealed);
});
