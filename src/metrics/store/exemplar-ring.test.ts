import { expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { ExemplarRing } from "./exemplar-ring.ts";
import { EXEMPLARS_MAX } from "./limits.ts";

function exemplar(timestampMs: number, labels: Record<string, string> = { trace_id: `t${timestampMs}` }) {
  return { labels: Labels.fromRecord(labels), value: timestampMs / 2, timestampMs };
}

test("exemplars: the oldest make room, and each series' newest is remembered", () => {
  const ring = new ExemplarRing();
  for (let at = 1; at <= EXEMPLARS_MAX + 100; at++) ring.add(1 + (at % 7), exemplar(at));
  expect(ring.size).toBe(EXEMPLARS_MAX);
  const all = [...ring.inOrder()].map((entry) => entry.exemplar.timestampMs);
  expect(all[0]).toBe(101);
  expect(all).toEqual([...all].sort((left, right) => left - right));
  expect(ring.within(150, 156).get(1 + (150 % 7))).toEqual([exemplar(150)]);
  expect(ring.seriesCount).toBe(7);
  // A series whose only exemplar has gone is forgotten.
  ring.add(99, exemplar(1));
  for (let at = 1; at <= EXEMPLARS_MAX; at++) ring.add(1, exemplar(EXEMPLARS_MAX * 2 + at));
  expect(ring.seriesCount).toBe(1);
});

test("exemplars: repetitions are nothing new, older and longer ones are refused", () => {
  const ring = new ExemplarRing();
  const first = exemplar(5, { trace_id: "a", span_id: "𝒳" });
  expect(ring.accepts(1, first)).toBe(true);
  ring.add(1, first);
  expect(ring.accepts(1, first)).toBe(false);
  expect(ring.accepts(2, first)).toBe(true);
  expect(() => ring.accepts(1, exemplar(5))).toThrow("out of order exemplar");
  expect(() => ring.accepts(1, exemplar(4))).toThrow("out of order exemplar");
  expect(() => ring.accepts(1, exemplar(6, { trace_id: "x".repeat(121) }))).toThrow("exceeds maximum of 128");
  expect(ring.within(0, 9).get(1)).toEqual([first]);
  ring.add(3, { ...exemplar(7), labels: Labels.EMPTY });
  expect(ring.within(7, 7).get(3)![0]!.labels).toBe(Labels.EMPTY);
});
