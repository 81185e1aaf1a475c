import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTraceql } from "../../languages/traceql/parse.ts";
import { createLogger } from "../../runtime/logger.ts";
import { TraceMetrics } from "../metrics.ts";
import { TraceStore } from "../store/trace-store.ts";
import { exportRequest, spanIdOf, TEST_START_NS, type TestSpan, traceIdOf } from "../testing.ts";
import { searchTraces } from "./search.ts";

const TRACES = 24;
/** Spans that differ from segment to segment, so that pruning has something to leave out. */
function spansOf(segment: number): TestSpan[] {
  return Array.from({ length: TRACES / 3 }, (_none, index) => {
    const trace = segment * (TRACES / 3) + index;
    return {
      traceId: traceIdOf(trace),
      spanId: spanIdOf(trace),
      startNs: TEST_START_NS + BigInt(trace) * 1_000_000n,
      durationNs: BigInt(trace) * 1_000_000n,
      status: segment,
      service: `svc-${segment}`,
      attributes: {
        n: trace,
        text: `t${trace}`,
        [`only${segment}`]: trace % 2 === 0,
        mixed: trace % 3 === 0 ? trace : trace % 3 === 1 ? `t${trace}` : [trace, `t${trace}`],
      },
    };
  });
}

let dir: string;
let pruned: TraceStore;
let whole: TraceStore;

async function open(folder: string): Promise<TraceStore> {
  return TraceStore.open({
    dataDir: join(dir, folder),
    logger: createLogger("traces", "silent", { write: () => undefined }),
    metrics: new TraceMetrics(new Registry()),
    retentionMs: 1e12,
    bytesMax: 1e12,
  });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "traces-prune-"));
  await Promise.all([mkdir(join(dir, "a")), mkdir(join(dir, "b"))]);
  pruned = await open("a");
  whole = await open("b");
  for (let segment = 0; segment < 3; segment++) {
    await pruned.append(exportRequest(spansOf(segment)), undefined);
    await pruned.flush();
    await whole.append(exportRequest(spansOf(segment)), undefined);
  }
});

afterAll(async () => {
  await pruned.close();
  await whole.close();
  await rm(dir, { recursive: true, force: true });
});

async function run(store: TraceStore, q: string): Promise<{ ids: string[]; blocks: number }> {
  const result = await searchTraces(store, {
    query: parseTraceql(q),
    startMs: 0,
    endMs: Number.POSITIVE_INFINITY,
    limit: 100,
    spansPerSpanset: 3,
    minDurationNs: 0,
    maxDurationNs: Number.POSITIVE_INFINITY,
    signal: undefined,
  });
  return { ids: result.traces.map(({ traceId }) => traceId).sort(), blocks: result.inspectedBlocks };
}

describe("pruning", () => {
  const read: [string, number][] = [
    ['{ resource.service.name = "svc-1" }', 1],
    ["{ span.n > 20 }", 1],
    ["{ span.n <= 7 || span.n > 20 }", 2],
    ["{ .only2 }", 3], // a bare attribute is no comparison
    ["{ span.only2 = true && span.n >= 0 }", 1],
    ["{ status = error }", 1],
    ["{ duration >= 20ms }", 1],
    ['{ span.text =~ "t2[0-9]" && span.missing = 1 }', 0],
    ['{ resource.service.name = "svc-0" } || { span.n = 23 }', 2],
  ];
  for (const [q, blocks] of read) {
    test(`${q} reads ${blocks} of 3 blocks`, async () => {
      const result = await run(pruned, q);
      expect(result.blocks).toBe(blocks);
      expect(result.ids).toEqual((await run(whole, q)).ids);
    });
  }

  test("never leaves out a match, whatever the condition", async () => {
    const field = fc.constantFrom(
      "span.n",
      ".n",
      ".text",
      ".mixed",
      "span.only1",
      "resource.service.name",
      "duration",
      "name",
      ".missing",
    );
    const op = fc.constantFrom("=", "!=", "<", "<=", ">", ">=");
    const operand = fc.oneof(
      fc.nat({ max: 25 }).map(String),
      fc.nat({ max: 25 }).map((n) => `"t${n}"`),
      fc.constantFrom('"svc-1"', "true", "false", "10ms", "nil", "1.5"),
    );
    const condition = fc.tuple(field, op, operand).map((parts) => parts.join(" "));
    const query = fc
      .tuple(condition, fc.constantFrom("&&", "||"), condition, fc.constantFrom("", "!"))
      .map(([left, logical, right, not]) => `{ ${left} ${logical} ${not}(${right}) }`);
    await fc.assert(
      fc.asyncProperty(query, async (q) => {
        try {
          parseTraceql(q);
        } catch {
          return; // operand and field of different types
        }
        expect((await run(pruned, q)).ids, q).toEqual((await run(whole, q)).ids);
      }),
      { numRuns: 150 },
    );
  });
});
