import { cpSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { NO_TOKENS, type UsageSubject } from "./entries.ts";
import { UsageLog } from "./usage-log.ts";

const SUBJECT: UsageSubject = {
  keyId: "key_1",
  team: "blue",
  provider: "openai",
  model: "gpt-4o",
  endUser: "",
  tags: [],
  endpoint: "/v1/chat/completions",
  stream: false,
  budgeted: true,
};
const reservation = (input: number) =>
  ({ kind: "reservation", atMs: 1, subject: SUBJECT, tokens: { ...NO_TOKENS, input }, nanoUsd: input }) as const;

let context: TestContext;
beforeAll(async () => {
  context = await testContext("gateway");
});
afterAll(() => context.dispose());

/** What a process that starts now finds open in this folder, by the tokens that were reserved. */
async function openIn(dir: string): Promise<number[]> {
  const { log, open } = await UsageLog.open(dir, context.logger);
  log.close();
  return open.map(({ entry }) => entry.tokens.input);
}

test("wherever a log is cut, what lies before the cut is found, and nothing else", async () => {
  const dir = join(context.dataDir, "whole");
  const { log } = await UsageLog.open(dir, context.logger);
  const ends = [1, 2, 3].map((input) => {
    log.write(reservation(input));
    return log.bytes;
  });
  log.close();
  const segment = readdirSync(dir).find((name) => /^\d{8}$/.test(name))!;
  const bytes = statSync(join(dir, segment)).size;
  expect(bytes).toBe(ends.at(-1));
  for (let cut = 0; cut <= bytes; cut++) {
    const copy = join(context.dataDir, `cut-${cut}`);
    cpSync(dir, copy, { recursive: true });
    truncateSync(join(copy, segment), cut);
    expect(await openIn(copy), `cut at byte ${cut}`).toEqual([1, 2, 3].filter((_, index) => ends[index]! <= cut));
  }
});

test("a settled reservation is open no more, and its segment is needed no more", async () => {
  const dir = join(context.dataDir, "settled");
  const { log } = await UsageLog.open(dir, context.logger);
  const first = log.write(reservation(1))!;
  log.write(reservation(2));
  log.write({ ...reservation(1), ...first, kind: "settlement", result: "success" });
  log.settled(first.segment);
  log.close();
  expect(await openIn(dir)).toEqual([2]);
});

test("a log keeps its name over restarts, under which the database knows how far it was read", async () => {
  const dir = join(context.dataDir, "named");
  const first = await UsageLog.open(dir, context.logger);
  first.log.close();
  const second = await UsageLog.open(dir, context.logger);
  second.log.close();
  expect(second.log.id).toBe(first.log.id);
  expect((await UsageLog.open(join(context.dataDir, "other"), context.logger)).log.id).not.toBe(first.log.id);
});

test("a log that cannot be written says so once", async () => {
  const { log } = await UsageLog.open(join(context.dataDir, "closed"), context.logger);
  expect(log.write(reservation(1))).toBeDefined();
  log.close();
  expect([log.write(reservation(2)), log.write(reservation(3))]).toEqual([undefined, undefined]);
  const said = context.lines.filter(({ msg }) => String(msg).startsWith("usage log cannot be written"));
  expect(said).toHaveLength(1);
});
