import { expect, test } from "vitest";
import { CounterChild, type Exemplar, HistogramChild } from "./samples.ts";

const exemplar = (traceId: string, timestampMs: number, rank: number): Exemplar => ({
  traceId,
  timestampMs,
  rank,
  value: 1,
});

test("a customer's exemplar is held against demo traffic and probes for some scrapes, then gives way", () => {
  const histogram = new HistogramChild("", [1, 2]);
  const counter = new CounterChild("");
  const seen = (): (string | undefined)[] => [histogram.exemplars[0]?.traceId, counter.exemplar?.traceId];
  const send = (one: Exemplar): void => {
    histogram.observe(0.5, one);
    counter.inc(1, one);
  };
  send(exemplar("demo-1", 0, 1));
  send(exemplar("own-1", 1_000, 0));
  expect(seen()).toEqual(["own-1", "own-1"]);
  send(exemplar("demo-2", 5_000, 1));
  send(exemplar("probe", 6_000, 2));
  expect(seen()).toEqual(["own-1", "own-1"]);
  send(exemplar("own-2", 7_000, 0));
  expect(seen()).toEqual(["own-2", "own-2"]);
  send(exemplar("demo-3", 27_000, 1));
  expect(seen()).toEqual(["demo-3", "demo-3"]);
});

test("buckets hold their exemplars apart", () => {
  const histogram = new HistogramChild("", [1, 2]);
  histogram.observe(0.5, exemplar("fast", 0, 1));
  histogram.observe(1.5, exemplar("slow", 1, 1));
  histogram.observe(9, exemplar("slower", 2, 1));
  expect(histogram.exemplars.map((one) => one?.traceId)).toEqual(["fast", "slow", "slower"]);
});
