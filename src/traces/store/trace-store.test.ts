import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { parseTraceql } from "../../languages/traceql/parse.ts";
import { createLogger } from "../../runtime/logger.ts";
import { Wal } from "../../storage/wal.ts";
import { HEAD_BYTES_MAX } from "../limits.ts";
import { TraceMetrics } from "../metrics.ts";
import { searchTraces } from "../query/search.ts";
import { encodeTrace, findTrace } from "../query/trace-by-id.ts";
import { exportRequest, spanIdOf, TEST_START_NS, type TestSpan, traceIdOf } from "../testing.ts";
import { SEGMENTS_DIR, STARTS_FILE, WAL_DIR } from "./filenames.ts";
import { TraceStore } from "./trace-store.ts";

const dirs: string[] = [];
const stores: TraceStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

interface Opened {
  store: TraceStore;
  registry: Registry;
}

async function openStore(dataDir: string, retentionMs = 1e12, bytesMax = 1e12): Promise<Opened> {
  const registry = new Registry();
  const metrics = new TraceMetrics(registry);
  const logger = createLogger("traces", "silent", { write: () => undefined });
  const store = await TraceStore.open({ dataDir, logger, metrics, retentionMs, bytesMax });
  stores.push(store);
  return { store, registry };
}

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "traces-store-"));
  dirs.push(dir);
  return dir;
}

/** Traces of a root and two children, with attributes of every type. */
function sampleSpans(traces: number): TestSpan[] {
  return Array.from({ length: traces * 3 }, (_none, index) => {
    const trace = Math.floor(index / 3);
    const position = index % 3;
    return {
      traceId: traceIdOf(trace),
      spanId: spanIdOf(index),
      ...(position === 0 ? {} : { parentSpanId: spanIdOf(trace * 3 + position - 1) }),
      name: `op-${position}`,
      kind: position + 1,
      service: `svc-${trace % 3}`,
      startNs: TEST_START_NS + BigInt(trace) * 1_000_000_000n + BigInt(position),
      durationNs: BigInt(trace + 1) * 1_000_000n,
      status: trace % 5 === 0 ? 2 : 0,
      attributes: {
        n: trace,
        ratio: trace + 0.5,
        ok: trace % 2 === 0,
        text: `value ${trace}`,
        list: ["a", `b${trace}`],
      },
      events: position === 2 ? [{ name: "retry", offsetNs: 5n, attributes: { attempt: trace } }] : [],
      links: position === 1 ? [{ traceId: traceIdOf(999), spanId: spanIdOf(7) }] : [],
    };
  });
}

async function search(store: TraceStore, q: string): Promise<string[]> {
  const result = await searchTraces(store, {
    query: parseTraceql(q),
    startMs: 0,
    endMs: Number.POSITIVE_INFINITY,
    limit: 1_000,
    spansPerSpanset: 100,
    minDurationNs: 0,
    maxDurationNs: Number.POSITIVE_INFINITY,
    signal: undefined,
  });
  return result.traces.map((trace) => JSON.stringify(trace.toJson()));
}

const QUERIES = [
  "{}",
  '{ resource.service.name = "svc-1" }',
  "{ status = error && kind = server }",
  "{ span.n >= 3 && span.n < 6 }",
  "{ .ratio > 4 } >> { kind = server }",
  '{ .text =~ "value [0-4]" } | count() > 1',
  '{ span.list = "b7" }',
  '{ event:name = "retry" && event.attempt = 4 }',
  `{ link:spanID = "${spanIdOf(7)}" }`,
  "{ nestedSetParent < 0 } | by(resource.service.name)",
  "{ span.ok } | avg(duration) > 3ms",
  '{ traceDuration > 5ms && rootName = "op-0" }',
  '{ instrumentation:name = "test-scope" } | select(span.n, event:name)',
];

describe("trace store", () => {
  test("answers the same from the head, from a segment, and after a restart", async () => {
    const dir = await tempDir();
    const { store } = await openStore(dir);
    await store.append(exportRequest(sampleSpans(10)), undefined);
    const before = await Promise.all(QUERIES.map((query) => search(store, query)));
    for (const [index, found] of before.entries()) expect(found.length, QUERIES[index]).toBeGreaterThan(0);
    const traceBytes = encodeTrace((await findTrace(store, Buffer.from(traceIdOf(4), "hex")))!);
    await store.flush();
    expect(store.liveSpans).toBe(0);
    expect(await Promise.all(QUERIES.map((query) => search(store, query)))).toEqual(before);
    expect(encodeTrace((await findTrace(store, Buffer.from(traceIdOf(4), "hex")))!)).toEqual(traceBytes);
    await store.close();
    const { store: again } = await openStore(dir);
    expect(again.segments.count).toBe(1);
    expect(again.liveSpans).toBe(0);
    expect(await Promise.all(QUERIES.map((query) => search(again, query)))).toEqual(before);
    expect(await findTrace(again, Buffer.from(traceIdOf(77), "hex"))).toBeUndefined();
  });

  test("a trace whose parts lie in two segments is one result and one answer", async () => {
    const { store } = await openStore(await tempDir());
    const spans = sampleSpans(1);
    await store.append(exportRequest(spans.slice(0, 1)), undefined);
    await store.flush();
    await store.append(exportRequest(spans.slice(1)), undefined);
    await store.flush();
    expect(store.segments.count).toBe(2);
    const [found] = (await search(store, "{}")).map((text) => JSON.parse(text));
    expect(found).toMatchObject({ rootTraceName: "op-0", serviceStats: { "svc-0": { spanCount: 3, errorCount: 3 } } });
    const groups = await findTrace(store, Buffer.from(traceIdOf(0), "hex"));
    expect(groups!.flatMap(({ scopes }) => scopes.flatMap(({ spans: raw }) => raw))).toHaveLength(3);
  });

  test("a span sent twice is kept once", async () => {
    const { store } = await openStore(await tempDir());
    const request = exportRequest(sampleSpans(2));
    await store.append(request, undefined);
    await store.append(request, undefined);
    expect(store.liveSpans).toBe(6);
  });

  test("replays what was acknowledged when the process died, also between segment and truncation", async () => {
    const dir = await tempDir();
    const { store } = await openStore(dir);
    await store.append(exportRequest(sampleSpans(5)), undefined);
    await store.flush();
    const late = sampleSpans(8).slice(15);
    await store.append(exportRequest(late), undefined);
    // No close: what a kill leaves is what the kernel has.
    const { store: again } = await openStore(dir);
    expect(again.segments.spanCount).toBe(15);
    expect(again.liveSpans).toBe(9);
    expect(await search(again, "{}")).toHaveLength(8);
  });

  test("a log that three starts did not survive is set aside, not read again and not deleted", async () => {
    const dir = await tempDir();
    const { store } = await openStore(dir);
    await store.append(exportRequest(sampleSpans(2)), undefined);
    await store.close();
    await writeFile(join(dir, STARTS_FILE), "3");
    const { store: again } = await openStore(dir);
    expect(again.liveSpans).toBe(0);
    expect((await readdir(dir)).filter((name) => name.startsWith("wal.set-aside-"))).toHaveLength(1);
    await again.append(exportRequest(sampleSpans(1)), undefined);
    await again.close();
    const { store: third } = await openStore(dir);
    expect(third.liveSpans).toBe(3);
  });

  test("a log much larger than a head is replayed within bounds, into segments on the way", async () => {
    const dir = await tempDir();
    const noise = (index: number): string => createHash("sha512").update(String(index)).digest("hex").repeat(4);
    const request = (batch: number): Uint8Array =>
      exportRequest(
        Array.from({ length: 100 }, (_none, index) => ({
          traceId: traceIdOf(batch * 100 + index),
          spanId: spanIdOf(index),
          attributes: Object.fromEntries(
            Array.from({ length: 20 }, (_also, key) => [`k${key}`, noise(batch * 2_000 + index * 20 + key)]),
          ),
        })),
      );
    const wal = await Wal.open({ dir: join(dir, WAL_DIR), segmentBytesMax: 1024 * 1024 });
    for (let batch = 0; batch < 20; batch++) await wal.append([request(batch)]);
    await wal.close();
    const { store: again } = await openStore(dir);
    expect(again.segments.count).toBeGreaterThan(0);
    expect(again.segments.spanCount + again.liveSpans).toBe(2_000);
    expect(again.headBytes).toBeLessThan(3 * HEAD_BYTES_MAX);
  });

  test("a flipped bit damages at most its block, is counted, and the rest is served", async () => {
    const dir = await tempDir();
    const { store } = await openStore(dir);
    await store.append(exportRequest(sampleSpans(6)), undefined);
    await store.flush();
    await store.close();
    const [name] = await readdir(join(dir, SEGMENTS_DIR));
    const path = join(dir, SEGMENTS_DIR, name!);
    const sound = await readFile(path);
    const query = "{ .n >= 0 } | select(.text, event.attempt)";
    const read = async (opened: TraceStore) => ({
      found: await search(opened, query),
      bytes: await Promise.all(
        [0, 3, 5].map(async (trace) => {
          const groups = await findTrace(opened, Buffer.from(traceIdOf(trace), "hex"));
          return groups === undefined ? undefined : Buffer.from(encodeTrace(groups)).toString("hex");
        }),
      ),
    });
    const { store: undamaged } = await openStore(dir);
    const expected = await read(undamaged);
    await undamaged.close();
    let unnoticed = 0;
    for (let at = 0; at < sound.length; at += 61) {
      const damaged = Buffer.from(sound);
      damaged[at]! ^= 1 << (at % 8);
      await rm(join(dir, SEGMENTS_DIR), { recursive: true });
      await mkdir(join(dir, SEGMENTS_DIR));
      await writeFile(path, damaged);
      const { store: again, registry } = await openStore(dir);
      const { found, bytes } = await read(again);
      const counted = (await registry.getSingleMetric("tempo_corrupt_blocks_total")!.get()).values[0]!.value;
      // Nothing wrong is ever answered, and nothing is missing in silence.
      for (const text of found) expect(expected.found, `byte ${at}`).toContain(text);
      for (const [index, text] of bytes.entries()) if (text !== undefined) expect(text).toBe(expected.bytes[index]);
      const isWhole = found.length === expected.found.length && bytes.every((text) => text !== undefined);
      if (!isWhole) expect(counted, `byte ${at}`).toBeGreaterThan(0);
      if (counted === 0) unnoticed++;
      await again.close();
      expect(await readdir(join(dir, SEGMENTS_DIR)), `byte ${at}`).toHaveLength(1); // set aside, never deleted
    }
    // Columns that no query asked for are not read, so their damage is not seen yet.
    expect(unnoticed).toBeLessThan((sound.length / 61) * 0.3);
  });

  test("retention deletes the oldest segments first, by size with the log counted", async () => {
    const dir = await tempDir();
    const { store } = await openStore(dir);
    for (let batch = 0; batch < 3; batch++) {
      await store.append(exportRequest(sampleSpans(20).slice(batch * 20, batch * 20 + 20)), undefined);
      await store.flush();
    }
    const { bytes } = store.segments;
    await store.close();
    const { store: limited } = await openStore(dir, 1e12, bytes - 1);
    await limited.segments.enforceRetention(0);
    expect(limited.segments.count).toBe(2);
    await limited.segments.enforceRetention(bytes);
    expect(limited.segments.count).toBe(0);
  });

  test("under a small size cap segments are small: the newest traces stay, the cap holds", async () => {
    const bytesMax = 200_000;
    const { store } = await openStore(await tempDir(), 1e12, bytesMax);
    const noise = (): string => Array.from({ length: 30 }, () => Math.random().toString(36)).join(" ");
    for (let batch = 0; batch < 60; batch++) {
      const spans = sampleSpans(1).map((span) => ({
        ...span,
        traceId: traceIdOf(batch),
        attributes: { batch, pad: Array.from({ length: 8 }, noise).join(" ") },
      }));
      await store.append(exportRequest(spans), undefined);
      // Between two looks the log of the open head, at most a fifth of the cap, may stand above it.
      const held = (): number => store.segments.bytes + store.walBytes;
      await expect.poll(held, { interval: 5 }).toBeLessThan(bytesMax * 1.2);
    }
    expect(store.segments.count).toBeGreaterThan(1);
    expect(await search(store, "{ span.batch = 59 }")).toHaveLength(1);
    expect(await search(store, "{ span.batch = 0 }")).toHaveLength(0);
  });

  test("any spans survive the way into a segment and back", async () => {
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    const span = fc.record({
      trace: fc.nat({ max: 4 }),
      parent: fc.option(fc.nat({ max: 20 })),
      name: fc.string(),
      offset: fc.bigInt({ min: 0n, max: 2n ** 63n }),
      duration: fc.bigInt({ min: 0n, max: 2n ** 40n }),
      attributes: fc.dictionary(fc.constantFrom("a", "b", "__proto__", "ключ"), value, { maxKeys: 3 }),
      events: fc.array(fc.record({ name: fc.string(), offsetNs: fc.bigInt({ min: 0n, max: 1000n }) }), {
        maxLength: 2,
      }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(span, { minLength: 1, maxLength: 20 }), async (spans) => {
        const dir = await tempDir();
        const { store } = await openStore(dir);
        const request = exportRequest(
          spans.map(({ trace, parent, offset, duration, ...rest }, index) => ({
            ...rest,
            traceId: traceIdOf(trace),
            spanId: spanIdOf(index),
            ...(parent === null ? {} : { parentSpanId: spanIdOf(parent) }),
            startNs: offset,
            durationNs: duration,
          })),
        );
        await store.append(request, undefined);
        const query =
          "{} | select(span.a, span.b, event:name, event:timeSinceStart, nestedSetLeft, nestedSetParent, span:parentID)";
        const before = await search(store, query);
        await store.flush();
        expect(await search(store, query)).toEqual(before);
        await store.close();
      }),
      { numRuns: 25 },
    );
  });
});
