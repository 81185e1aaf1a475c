import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";

const DATA = 'load 1m\n  metric{a="b"} 1+1x10 _ stale\n\n';

const good: [string, string][] = [
  ["values", 'eval instant at 3m metric\n  metric{a="b"} 4'],
  ["no values", "eval instant at 20m metric"],
  ["range", 'eval range from 0 to 2m step 1m metric\n  metric{a="b"} 1 2 3'],
  ["failure", 'eval_fail instant at 1m label_replace(metric, "", "", "a", "")'],
  ["message", 'eval instant at 1m metric + on() group_left metric\n  {a="b"} 4'],
  ["annotation", 'eval instant at 5m rate(metric[5m])\n  expect info\n  {a="b"} 0.016666666666666666'],
  ["scalar", "eval instant at 1m scalar(metric)\n  2"],
];
test.each(good)("passes: %s", async (_name, script) => {
  expect(await runScript(DATA + script)).toEqual({ total: 1, failures: [] });
});

const bad: [string, string, RegExp][] = [
  ["wrong value", 'eval instant at 3m metric\n  metric{a="b"} 5', /want 5, got 4/],
  ["series too many", "eval instant at 3m metric", /unexpected metric/],
  ["series missing", 'eval instant at 20m metric\n  metric{a="b"} 5', /got nothing/],
  ["error", 'eval instant at 3m label_replace(metric, "", "", "a", "")', /error: invalid destination label name/],
  ["no error", "eval_fail instant at 3m metric", /want a failure/],
  ["unwanted annotation", 'eval instant at 5m rate(metric[5m])\n  expect no_info\n  {a="b"} 1', /want no info/],
  ["order", 'eval_ordered instant at 3m sort_desc(metric or vector(1))\n  {} 1\n  metric{a="b"} 4', /at place/],
];
test.each(bad)("reports: %s", async (_name, script, reason) => {
  const { failures } = await runScript(DATA + script);
  expect(failures).toEqual([{ line: 4, expression: expect.any(String), reason: expect.stringMatching(reason) }]);
});

test("names the line of what it cannot read", async () => {
  await expect(runScript("load 1m\n  metric 1 2 x")).rejects.toThrow(/line 1: cannot read series value "x"/);
  await expect(runScript("\nlaod 1m")).rejects.toThrow(/line 2: unknown command "laod"/);
});
