import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { conformanceFolder } from "./conformance-folder.ts";
import { runScript } from "./run-script.ts";

/** The score that was reached once; it must not fall. */
const RATCHET_FILE = join(import.meta.dirname, "conformance-score.txt");

const folder = conformanceFolder("promql");

test.skipIf(folder === undefined)(
  "Prometheus' own PromQL scripts score at least what they did",
  { timeout: 120_000 },
  async () => {
    const ratchet = Number(await readFile(RATCHET_FILE, "utf8"));
    const failed: string[] = [];
    let total = 0;
    for (const name of (await readdir(folder!)).filter((file) => file.endsWith(".test")).sort()) {
      const outcome = await runScript(await readFile(join(folder!, name), "utf8"));
      total += outcome.total;
      for (const { line, expression, reason } of outcome.failures)
        failed.push(`${name}:${line} ${expression}\n  ${reason}`);
    }
    console.log(`PromQL conformance: ${total - failed.length}/${total}`);
    expect(total - failed.length, failed.slice(0, 20).join("\n")).toBeGreaterThanOrEqual(ratchet);
  },
);
