import { rmSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openTestStore } from "../../src/metrics/store/store-testing.ts";
import { Labels } from "../../src/series/labels.ts";

/**
 * A process that writes batches into a metrics store and says on stdout what was acknowledged, to be killed, starved of
 * disk or lied to by the kernel. Batch k is one sample of value k, k steps after LEDGER_START_MS, of each of ten series.
 * With steps of seconds the head becomes blocks on the way.
 *
 *   node store-writer.mjs <dir> <fsyncIntervalMs> <first k> <batches> <stepMs> [ballast file, deleted when the disk is full]
 */
export const LEDGER_START_MS = 1_700_000_000_000;
export const LEDGER_SERIES = 10;
/** Series that come new with a batch now and then, so that series records are at stake too. */
const NEW_SERIES_EVERY = 50;
const MAINTAIN_EVERY = 100;
const PAUSE_MS = 5;
/** The writer's clock: ahead of all samples, whatever the step. */
const YEAR_2100_MS = Date.UTC(2100, 0, 1);

function ledgerLabels(index: number): Labels {
  return Labels.fromRecord({ __name__: "ledger", index: String(index) });
}

async function main([dir, fsyncIntervalMs, first, batches, stepMs, ballast]: string[]): Promise<void> {
  const { store } = await openTestStore(dir!, { fsyncIntervalMs: Number(fsyncIntervalMs), now: () => YEAR_2100_MS });
  writeSync(1, "ready\n");
  const end = Number(first) + Number(batches);
  let deleted = ballast === undefined;
  for (let k = Number(first); k < end; k++) {
    const timestampMs = LEDGER_START_MS + k * Number(stepMs);
    const appender = store.appender();
    for (let index = 0; index < LEDGER_SERIES; index++) appender.append(0, ledgerLabels(index), timestampMs, k);
    if (k % NEW_SERIES_EVERY === 0) {
      appender.append(0, Labels.fromRecord({ __name__: "new", k: String(k) }), timestampMs, k);
    }
    // Not awaited: blocks and checkpoints are written while batches go on.
    if (k % MAINTAIN_EVERY === 0) void store.maintain();
    try {
      await appender.commit();
      writeSync(1, `ack ${k}\n`);
    } catch (error) {
      const found = await store.queryable.select([], { minTimeMs: 0, maxTimeMs: Number.MAX_SAFE_INTEGER });
      writeSync(1, `error ${(error as { code?: string }).code} ${found.length}\n`);
      if (!deleted) {
        rmSync(ballast!);
        deleted = true;
      }
      await sleep(PAUSE_MS);
    }
  }
  await store.close();
  writeSync(1, "closed\n");
}

if (process.argv[1]?.endsWith("store-writer.mjs")) await main(process.argv.slice(2));
