import { Registry } from "prom-client";
import { createLogger } from "../../src/runtime/logger.ts";
import { StorageError } from "../../src/storage/storage-error.ts";
import { TraceMetrics } from "../../src/traces/metrics.ts";
import { TraceStore } from "../../src/traces/store/trace-store.ts";
import { exportRequest, spanIdOf, traceIdOf } from "../../src/traces/testing.ts";

/** Spans of one trace; a trace is one request. */
export const LEDGER_SPANS = 3;

/** Opens the store as the role does, without a log. */
export function openLedger(dataDir: string): Promise<TraceStore> {
  const logger = createLogger("traces", "silent", { write: () => undefined });
  const metrics = new TraceMetrics(new Registry());
  return TraceStore.open({
    dataDir,
    logger,
    metrics,
    retentionMs: Number.MAX_SAFE_INTEGER,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
}

/** Writes trace after trace, `ack n` for each that the store acknowledged; every `flushEvery` of them becomes a segment. */
async function writeTraces(dataDir: string, first: number, last: number, flushEvery: number): Promise<void> {
  const store = await openLedger(dataDir);
  console.log("ready");
  for (let trace = first; trace <= last; trace++) {
    const spans = Array.from({ length: LEDGER_SPANS }, (_none, index) => ({
      traceId: traceIdOf(trace),
      spanId: spanIdOf(trace * LEDGER_SPANS + index),
      attributes: { trace, index, text: "x".repeat(200) },
    }));
    try {
      await store.append(exportRequest(spans), undefined);
      console.log(`ack ${trace}`);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      console.log(`error ${error.code}`);
    }
    // Not awaited: segments are written while requests arrive.
    if (trace % flushEvery === 0) store.flush().catch((error: Error) => console.log(`error ${error.name}`));
  }
  await store.close();
  console.log("closed");
}

const [dataDir, first, last, flushEvery] = process.argv.slice(2);
if (process.argv[1]?.includes("traces-writer") === true) {
  await writeTraces(dataDir!, Number(first), Number(last), Number(flushEvery));
}
