import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runScript } from "./promqltest/run-script.ts";

/**
 * `npm run promqltest -- <folder> [--list-failed]`: runs every `*.test` script of a folder, prints a count per script
 * and `passed/total` last; exits non-zero on any failure.
 */
async function main(args: readonly string[]): Promise<number> {
  const folder = args.find((arg) => !arg.startsWith("--"));
  const listFailed = args.includes("--list-failed");
  if (folder === undefined) {
    console.error("usage: npm run promqltest -- <folder> [--list-failed]");
    return 2;
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith(".test")).sort();
  let passed = 0;
  let total = 0;
  for (const name of names) {
    const outcome = await runScript(await readFile(join(folder, name), "utf8"));
    const good = outcome.total - outcome.failures.length;
    passed += good;
    total += outcome.total;
    console.log(`${name}: ${good}/${outcome.total}`);
    if (!listFailed) continue;
    for (const { line, expression, reason } of outcome.failures)
      console.log(`  ${name}:${line}  ${expression}\n    ${reason}`);
  }
  console.log(`${passed}/${total}`);
  return passed === total && total > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
