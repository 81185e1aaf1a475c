import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database, DatabaseOptions } from "../../database/database.ts";
import { testDatabase } from "../../database/testing.ts";
import { type CaptureEntry, CaptureStore } from "./capture-store.ts";

/** What the store of captured texts must do in any database. @param options Of an empty one. */
export function captureStoreSuite(options: () => Promise<Partial<DatabaseOptions>>): void {
  let database: Database;
  let store: CaptureStore;
  const DAY_MS = 86_400_000;
  const limits = { retentionMs: 7 * DAY_MS, bytesMax: 10_000, logger: pino({ level: "silent" }) };
  const entry = (id: string, atMs = Date.now(), bytes = 10): CaptureEntry => ({
    requestId: id,
    keyHash: "h",
    atMs,
    input: "i".repeat(bytes),
    output: "",
  });
  beforeEach(async () => {
    database = testDatabase(await options());
    store = new CaptureStore({ ...limits, database });
  });
  afterEach(async () => {
    await store.close();
    await database.close();
  });

  test("texts end by themselves after their time, even before they are deleted", async () => {
    store.add(entry("old", Date.now() - 7 * DAY_MS - 1));
    store.add(entry("young", Date.now() - 6 * DAY_MS));
    expect(await store.read("old", undefined)).toBeUndefined();
    expect(await store.read("young", "h")).toEqual({ input: "i".repeat(10), output: "" });
    await store.sweep(Date.now() + 2 * DAY_MS);
    expect(await store.read("young", "h")).toBeUndefined();
  });

  test("a request's texts can be deleted before their time, by their owner or the administrator", async () => {
    for (const id of ["a", "b"]) store.add(entry(id));
    expect(await store.forget("a", "somebody else")).toBe(false);
    expect(await store.forget("a", "h")).toBe(true);
    expect(await store.forget("a", "h")).toBe(false);
    expect(await store.forget("b", undefined)).toBe(true);
    expect(await store.read("b", undefined)).toBeUndefined();
  });

  test("all together stay below their limit, the oldest leave", async () => {
    const now = Date.now();
    for (let index = 0; index < 1_000; index++) store.add(entry(`r${index}`, now - 1_000_000 + index, 100));
    await store.flush();
    await store.sweep();
    expect(await store.read("r899", undefined)).toBeUndefined();
    expect(await store.read("r900", undefined)).toBeDefined();
    expect(await store.read("r999", undefined)).toBeDefined();
  });

  test("too many at once are dropped and counted, NUL is replaced, the same id is kept once", async () => {
    for (let index = 0; index < 60; index++) store.add(entry(`r${index}`, Date.now(), 300_000));
    expect(store.dropped).toBeGreaterThan(0);
    store.add({ ...entry("nul"), input: "a\u0000b" });
    store.add({ ...entry("nul"), input: "other" });
    expect(await store.read("nul", undefined)).toMatchObject({ input: "a\ufffdb" });
  });

  test("a database that is away loses texts, never requests", async () => {
    await database.close();
    store.add(entry("x"));
    await store.flush();
    expect(store.dropped).toBe(1);
    await expect(store.read("x", undefined)).rejects.toMatchObject({ code: "DATABASE_CLOSED" });
  });
}
