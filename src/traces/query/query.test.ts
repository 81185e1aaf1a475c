import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTraceql } from "../../languages/traceql/parse.ts";
import { TraceqlError } from "../../languages/traceql/traceql-error.ts";
import { createLogger } from "../../runtime/logger.ts";
import { TraceMetrics } from "../metrics.ts";
import { TraceStore } from "../store/trace-store.ts";
import { exportRequest, spanIdOf, TEST_START_NS, type TestSpan, traceIdOf } from "../testing.ts";
import { evaluateMetrics } from "./metrics-query.ts";
import { searchTraces } from "./search.ts";
import { encodeTrace, findTrace } from "./trace-by-id.ts";

let dir: string;
let store: TraceStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "traces-query-"));
  store = await TraceStore.open({
    dataDir: dir,
    logger: createLogger("traces", "silent", { write: () => undefined }),
    metrics: new TraceMetrics(new Registry()),
    retentionMs: 1e12,
    bytesMax: 1e12,
  });
});

afterAll(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

async function search(q: string): Promise<string[]> {
  const result = await searchTraces(store, {
    query: parseTraceql(q),
    startMs: 0,
    endMs: Number.POSITIVE_INFINITY,
    limit: 100,
    spansPerSpanset: 100,
    minDurationNs: 0,
    maxDurationNs: Number.POSITIVE_INFINITY,
    signal: undefined,
  });
  return result.traces.map((trace) => JSON.stringify(trace.toJson()));
}

function randomSpans(traces: number): TestSpan[] {
  return Array.from({ length: traces * 4 }, (_none, index) => {
    const position = index % 4;
    return {
      traceId: traceIdOf(Math.floor(index / 4)),
      spanId: spanIdOf(index),
      ...(position === 0 ? {} : { parentSpanId: spanIdOf(index - 1 - (index % 2)) }),
      name: `op ${position}`,
      kind: position,
      status: index % 3,
      startNs: TEST_START_NS + BigInt(index) * 1_000_000n,
      durationNs: BigInt(index) * 1_000_000n,
      attributes: { n: index, s: `v${index % 5}`, b: index % 2 === 0, f: index / 2, list: [index, "x"] },
      events: index % 4 === 1 ? [{ name: "e", attributes: { n: index } }] : [],
    };
  });
}

/** Queries made of every part of the language; some are refused by the checker. */
function queries(): fc.Arbitrary<string> {
  const field = fc.constantFrom(
    ..."span.n .s .b .f .list resource.service.name event.n event:name name status kind duration traceDuration rootName".split(
      " ",
    ),
    ..."nestedSetLeft nestedSetParent childCount parent.n parent.duration span:id trace:id .missing instrumentation:name".split(
      " ",
    ),
  );
  const operand = fc.oneof(
    field,
    fc.constantFrom('"v1"', "`op.*`", "3", "1.5", "5ms", "true", "nil", "error", "server", "-1", "(.n + 1)", ".f * 2"),
  );
  const op = fc.constantFrom("=", "!=", "<", "<=", ">", ">=", "=~", "!~");
  const condition = fc.oneof(
    fc.tuple(field, op, operand).map((parts) => parts.join(" ")),
    fc.tuple(operand, op, field).map((parts) => parts.join(" ")),
    field.map((name) => `!${name}`),
  );
  const filter = fc.oneof(
    fc.constant("{}"),
    fc.tuple(condition, fc.constantFrom("&&", "||"), condition).map(([a, o, b]) => `{ ${a} ${o} ${b} }`),
    condition.map((text) => `{ ${text} }`),
  );
  const structural = fc.constantFrom("&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!~", "&>", "&>>", "&~");
  const spanset = fc.oneof(
    filter,
    fc.tuple(filter, structural, filter).map((parts) => parts.join(" ")),
  );
  const aggregate = fc.constantFrom("count()", "avg(.n)", "max(duration)", "min(.f)", "sum(.n + 1)");
  const stage = fc.oneof(
    filter,
    fc
      .tuple(aggregate, fc.constantFrom(">", "<=", "="), fc.constantFrom("2", "5ms", "1 + 2"))
      .map((parts) => parts.join(" ")),
    field.map((name) => `by(${name})`),
    field.map((name) => `select(${name})`),
    fc.constant("coalesce()"),
  );
  return fc.tuple(spanset, fc.array(stage, { maxLength: 3 })).map(([first, stages]) => [first, ...stages].join(" | "));
}

describe("queries", () => {
  test("any query that is accepted has an answer, the same from the head and from a segment", async () => {
    await store.append(exportRequest(randomSpans(6)), undefined);
    const answers = new Map<string, string[]>();
    await fc.assert(
      fc.asyncProperty(queries(), async (q) => {
        try {
          parseTraceql(q);
        } catch (error) {
          expect(error).toBeInstanceOf(TraceqlError);
          return;
        }
        answers.set(q, await search(q));
      }),
      { numRuns: 400 },
    );
    expect(answers.size).toBeGreaterThan(50);
    await store.flush();
    for (const [q, answer] of answers) expect(await search(q), q).toEqual(answer);
  });

  test("a trace of many spans, one below the other, is found and answered whole", async () => {
    const depth = 5_000;
    const traceId = "d".repeat(32);
    const spans = Array.from({ length: depth }, (_none, index) => ({
      traceId,
      spanId: spanIdOf(index),
      ...(index === 0 ? {} : { parentSpanId: spanIdOf(index - 1) }),
      name: index === depth - 1 ? "deepest" : "op",
      service: "deep",
      startNs: TEST_START_NS + BigInt(index),
    }));
    await store.append(exportRequest(spans), undefined);
    for (const _place of ["head", "segment"]) {
      const [found] = await search(
        '{ nestedSetParent = -1 && resource.service.name = "deep" } >> { name = "deepest" } | select(nestedSetLeft)',
      );
      expect(JSON.parse(found!).spanSets[0].spans[0].attributes).toContainEqual({
        key: "nestedSetLeft",
        value: { intValue: String(depth) },
      });
      const groups = await findTrace(store, Buffer.from(traceId, "hex"));
      expect(encodeTrace(groups!).length).toBeGreaterThan(depth * 40);
      await store.flush();
    }
  });

  test("an answer has a bounded number of series, and ends when nobody waits for it", async () => {
    const query = parseTraceql("{ } | rate() by (span:id)");
    const grid = { startMs: Number(TEST_START_NS / 1_000_000n), stepMs: 60_000, steps: 1 };
    const result = await evaluateMetrics(store, { query, metrics: query.metrics!, grid, signal: undefined });
    expect(result.series.length).toBeLessThanOrEqual(1_000);
    const gone = AbortSignal.abort();
    await expect(evaluateMetrics(store, { query, metrics: query.metrics!, grid, signal: gone })).rejects.toThrow(
      "context canceled",
    );
  });
});
