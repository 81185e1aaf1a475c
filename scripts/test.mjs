// `npm test`: everything that must hold, from a fresh clone. The last line is "N passed, N failed" over all suites.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { ensureBuilt, ensureInstalled, ROOT } from "./prepare.mjs";

ensureInstalled();
ensureBuilt();

const results = resolve(ROOT, ".cache/test-results");
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

let passed = 0;
let failed = 0;
const seconds = [];

/** Runs a program of node_modules/.bin; true when it exits with 0. */
function run(name, program, args) {
  process.stdout.write(`\n── ${name}\n`);
  const startedAt = Date.now();
  const result = spawnSync(resolve(ROOT, "node_modules/.bin", program), args, {
    cwd: ROOT,
    stdio: "inherit",
    env: process.env,
  });
  seconds.push(`${name} ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
  return result.status === 0;
}

/** A check that has one verdict. */
function check(name, program, args) {
  const ok = run(name, program, args);
  process.stdout.write(`${ok ? "ok" : "FAILED"}: ${name}\n`);
  if (ok) passed++;
  else failed++;
}

/** A vitest project; its tests are counted one by one, and a file that does not even load counts as one failure. */
function suite(project, ...flags) {
  const file = resolve(results, `${project}.json`);
  const ok = run(project, "vitest", [
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...flags,
  ]);
  if (!existsSync(file)) {
    failed++;
    return;
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  const brokenFiles = report.testResults.filter(
    (one) => one.status === "failed" && one.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  passed += report.numPassedTests;
  failed += report.numFailedTests + brokenFiles;
  // An error outside any test (an unhandled rejection) fails the run without failing a test.
  if (!ok && report.numFailedTests + brokenFiles === 0) failed++;
}

for (const project of ["tsconfig.json", "test/tsconfig.json", "web/tsconfig.json"]) {
  check(`types of ${project}`, "../typescript-native/bin/tsc", ["-p", project]);
}
check("lint and format", "biome", ["check", "--error-on-warnings", "."]);
check("import rule", "depcruise", ["--config", ".dependency-cruiser.cjs", "--output-type", "err", "src", "web/src"]);
check("unused code", "knip", []);
// These tests wait more than they compute: vitest's one worker on two cores would leave both idle half of the time.
suite("unit", "--minWorkers=1", "--maxWorkers=3");
// Whole-process tests measure real servers' readiness; side by side they would starve each other on two cores.
suite("system", "--no-file-parallelism");

process.stdout.write(`\n${seconds.join(" · ")}\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
