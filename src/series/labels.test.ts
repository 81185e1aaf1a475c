import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareLabels, Labels } from "./labels.ts";

const records = fc.dictionary(
  fc.constantFrom("a", "b", "c", "__name__", "__proto__", "z"),
  fc.constantFrom("", "1", "2", "x"),
);

describe("label sets", () => {
  test("are sorted, without empty values, the last of equal names counting", () => {
    const labels = Labels.fromEntries([
      ["b", "1"],
      ["a", "2"],
      ["c", ""],
      ["b", "3"],
    ]);
    expect(labels.pairs).toEqual(["a", "2", "b", "3"]);
    expect([labels.get("c"), labels.has("c"), labels.size]).toEqual(["", false, 2]);
  });

  test("print as Prometheus prints a series", () => {
    expect(String(Labels.fromRecord({ __name__: "up", job: 'a"b' }))).toBe('up{job="a\\"b"}');
    expect([String(Labels.fromRecord({ __name__: "up" })), String(Labels.EMPTY)]).toEqual(["up", "{}"]);
  });

  test("with, without and keep agree with plain objects", () => {
    const property = fc.property(
      records,
      fc.constantFrom("a", "b", "m"),
      fc.constantFrom("", "new"),
      (record, name, value) => {
        const labels = Labels.fromEntries(Object.entries(record));
        const changed = Labels.fromEntries([...Object.entries(record), [name, value]]);
        expect(labels.with(name, value).key).toBe(changed.key);
        expect(labels.without(new Set([name])).key).toBe(labels.with(name, "").key);
        expect(labels.keep(new Set([name])).toRecord()).toEqual(labels.has(name) ? { [name]: labels.get(name) } : {});
      },
    );
    fc.assert(property, { seed: 1 });
  });

  test("are ordered pair by pair, a prefix first, and equal only with equal keys", () => {
    const property = fc.property(records, records, (left, right) => {
      const a = Labels.fromEntries(Object.entries(left));
      const b = Labels.fromEntries(Object.entries(right));
      expect(Math.sign(compareLabels(a, b))).toBe(-Math.sign(compareLabels(b, a)) + 0);
      expect(compareLabels(a, b) === 0).toBe(a.key === b.key);
    });
    fc.assert(property, { seed: 1 });
    const order = [
      Labels.EMPTY,
      Labels.fromRecord({ a: "1" }),
      Labels.fromRecord({ a: "1", b: "1" }),
      Labels.fromRecord({ b: "1" }),
    ];
    expect([...order].reverse().sort(compareLabels)).toEqual(order);
  });
});
