import { pino } from "pino";
import { expect, test } from "vitest";
import { MemoryGuard } from "./memory-guard.ts";

test("holds from the limit on until a tenth below it, with one line per change", () => {
  const lines: string[] = [];
  let usedMib = 100;
  const logger = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  const guard = new MemoryGuard(100, logger, () => usedMib * 1024 * 1024);
  const over = [100, 101, 95, 91, 90, 100, 101].map((mib) => {
    usedMib = mib;
    guard.check();
    return guard.over;
  });
  expect(over).toEqual([false, true, true, true, false, false, true]);
  expect(lines).toHaveLength(3);
});
