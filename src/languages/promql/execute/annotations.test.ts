import { expect, test } from "vitest";
import { Annotations } from "./annotations.ts";

const at = (start: number) => ({ start, end: start + 1 });

test("each sentence once, with line and column", () => {
  const annotations = new Annotations();
  annotations.possibleNonCounter("m", at(12));
  annotations.possibleNonCounter("m", at(12));
  annotations.mixedFloatsHistograms("m", at(0));
  expect(annotations.render("rate(\n  sum(m[5m]))")).toEqual({
    warnings: ['PromQL warning: encountered a mix of histograms and floats for metric name "m" (1:1)'],
    infos: ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "m" (2:7)'],
  });
});

test("forced monotonicity is summed up over samples", () => {
  const annotations = new Annotations();
  annotations.forcedMonotonicity("m", at(0), 60_000, { min: 0.5, max: 1, difference: 2 });
  annotations.forcedMonotonicity("m", at(0), 0, { min: 0.25, max: 0.5, difference: 0.12345 });
  const [info] = annotations.render("x").infos;
  expect(info).toMatch(
    /for metric name "m", from buckets 0.25 to 1, with a max diff of 2, over 2 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z \(1:1\)$/,
  );
});

test("overlapping start times are counted", () => {
  const annotations = new Annotations();
  annotations.startTimeOverlap("m", at(0));
  annotations.startTimeOverlap("m", at(0));
  expect(annotations.render("x").warnings[0]).toMatch(/for metric "m" \(2 occurrences\) \(1:1\)$/);
});

test("numbers as Go prints them", () => {
  const annotations = new Annotations();
  annotations.invalidQuantile(1_234_567, at(0));
  annotations.invalidRatio(-1.5, -1, at(0));
  expect(annotations.render("x").warnings).toEqual([
    "PromQL warning: quantile value should be between 0 and 1, got 1.234567e+06 (1:1)",
    "PromQL warning: ratio value should be between -1 and 1, got -1.5, capping to -1 (1:1)",
  ]);
});
