import fc from "fast-check";
import { expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import type { Matcher } from "../../series/queryable.ts";
import { selectRefs } from "../blocks/postings.ts";
import { compareLabelsUtf8, compareUtf8 } from "../blocks/utf8-order.ts";
import { cardinalityOf } from "./cardinality.ts";
import { HeadIndex } from "./head-index.ts";
import { matcher } from "./store-testing.ts";

const value = fc.constantFrom("", "a", "b", "ab", "c");
const labelSet = fc.record({ x: value, y: value, z: value }).map((record) => Labels.fromRecord({ ...record, n: "1" }));
const anyMatcher = fc
  .tuple(
    fc.constantFrom("x", "y", "z", "n", "absent"),
    fc.constantFrom("=", "!=", "=~", "!~"),
    fc.constantFrom("", "a", "b", "a|b", "a.*", ".*", ".+", "b|"),
  )
  .map(([name, type, text]) => matcher(name, type as Matcher["type"], text));

test("postings: select what asking every series selects, also after series have gone", () => {
  const sets = fc.array(labelSet, { maxLength: 30 });
  const matchers = fc.array(anyMatcher, { maxLength: 3 });
  fc.assert(
    fc.property(sets, matchers, fc.nat(3), (all, wanted, modulus) => {
      const index = new HeadIndex();
      const byRef = new Map(all.map((labels, at) => [at + 1, labels]));
      for (const [ref, labels] of byRef) index.add(ref, labels);
      const gone = new Map([...byRef].filter(([ref]) => modulus > 0 && ref % modulus === 0));
      index.remove(new Set(gone.keys()), gone.values());
      for (const ref of gone.keys()) byRef.delete(ref);
      const matches = (labels: Labels) => wanted.every((one) => one.matches(labels.get(one.name)));
      const expected = [...byRef].filter(([, labels]) => matches(labels)).map(([ref]) => ref);
      expect(Array.from(selectRefs(index, wanted))).toEqual(expected);
      const pairs = new Set(
        [...byRef.values()].flatMap((labels) => [...labels.entries()].map((pair) => pair.join("="))),
      );
      expect(index.pairs).toBe(pairs.size);
    }),
    { numRuns: 500 },
  );
});

test("utf-8 order: as the bytes compare, for names and whole label sets", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "é"),
    maxLength: 4,
  });
  fc.assert(
    fc.property(text, text, (left, right) => {
      expect(Math.sign(compareUtf8(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
  );
  const short = Labels.fromRecord({ a: "1" });
  expect(compareLabelsUtf8(short, Labels.fromRecord({ a: "1", b: "2" }))).toBeLessThan(0);
  expect(compareLabelsUtf8(short, Labels.fromRecord({ a: "1" }))).toBe(0);
});

test("cardinality: the largest first, no more than asked for", () => {
  const index = new HeadIndex();
  for (let ref = 1; ref <= 100; ref++) {
    const name = `m${Math.floor(Math.sqrt(ref))}`;
    index.add(ref, Labels.fromRecord({ __name__: name, id: String(ref) }));
  }
  const stats = cardinalityOf(index, 2);
  expect(stats.seriesCountByMetricName).toEqual([
    { name: "m9", value: 19 },
    { name: "m8", value: 17 },
  ]);
  expect(stats.labelValueCountByLabelName).toEqual([
    { name: "id", value: 100 },
    { name: "__name__", value: 10 },
  ]);
});
