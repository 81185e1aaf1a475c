import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import type { Database, DatabaseOptions } from "../../../database/database.ts";
import { testDatabase } from "../../../database/testing.ts";
import { recordingTelemetry } from "../../testing/test-gateway.ts";
import { hashKey } from "../key-secret.ts";
import { KeySync } from "../key-sync.ts";
import { Keys } from "../keys.ts";
import { KeyStore } from "./key-store.ts";

/** What keys in a database must do; run on SQLite and on Postgres. */
export function keyStoreSuite(fresh: () => Promise<Partial<DatabaseOptions>>): void {
  const open: Database[] = [];
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close();
  });
  const database = async (): Promise<Database> => {
    const made = testDatabase(await fresh());
    open.push(made);
    return made;
  };

  test("a key is made, found, listed, changed, given a new secret, and revoked", async () => {
    const clock = { nowMs: 1_000 };
    const store = new KeyStore(await database(), undefined, () => clock.nowMs);
    const { secret, record } = await store.create({
      name: "app",
      kind: "test",
      team: "blue",
      allowedModels: ["gpt-4*"],
      limits: { requestsPerMinute: 5 },
      budget: { monthUsd: 20 },
      expiresAt: "2030-01-01T00:00:00Z",
      tags: ["a"],
      cache: true,
    });
    expect(secret).toMatch(/^gw_test_[\w-]{32}$/);
    expect(record).toMatchObject({
      name: "app",
      status: "active",
      team: "blue",
      expiresAtMs: Date.parse("2030-01-01"),
      createdAtMs: 1_000,
    });
    expect(record.secretHash).toBe(hashKey(secret));
    expect(record.hint).toBe(`gw_test_…${secret.slice(-4)}`);
    expect(await store.get(record.id)).toEqual(record);
    await store.create({ name: "other", owner: "ann" });
    expect(await store.list()).toHaveLength(2);
    expect(await store.list({ team: "blue" })).toEqual([record]);
    expect(await store.list({ owner: "nobody" })).toEqual([]);
    const [first, second] = (await store.list()) as [typeof record, typeof record];
    expect(await store.list({ after: first.id })).toEqual([second]);
    expect(await store.list({ limit: 1 })).toEqual([first]);
    clock.nowMs = 2_000;
    const changed = await store.update(record.id, { team: null, budget: { dayUsd: 1 }, status: "disabled" });
    expect(changed).toEqual({
      ...record,
      team: undefined,
      budget: { dayUsd: 1 },
      status: "disabled",
      updatedAtMs: 2_000,
    });
    expect(await store.get(record.id)).toEqual(changed);
    const rotated = await store.rotate(record.id);
    expect(rotated.record.secretHash).toBe(hashKey(rotated.secret));
    expect(rotated.secret).not.toBe(secret);
    await store.revoke(record.id);
    await expect(store.update(record.id, { status: "active" })).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    await expect(store.get("key_none")).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    expect(await store.list()).toHaveLength(1);
    expect(await store.list({ status: "revoked" })).toHaveLength(1);
  });

  test("what makes no sense is refused", async () => {
    const store = new KeyStore(await database());
    await expect(store.create({ name: "admin" })).rejects.toMatchObject({ code: "NAME_RESERVED" });
    await expect(store.create({ name: "two\nlines" })).rejects.toThrow("line breaks");
    await expect(store.create({ name: "x", budget: { dayUsd: -1 } })).rejects.toThrow();
    await expect(store.create({ name: "x", expiresAt: "tomorrow" })).rejects.toThrow();
    await expect(store.create({ name: "x", secretHash: "00" } as never)).rejects.toThrow(/unrecognized/i);
    await expect(store.deleteTeam("none")).rejects.toMatchObject({ code: "TEAM_NOT_FOUND" });
  });

  test("another gateway learns of every change, once, and of nothing when there is none", async () => {
    const shared = await database();
    const store = new KeyStore(shared);
    const telemetry = recordingTelemetry();
    const keys = new Keys(telemetry);
    const teams: unknown[] = [];
    const sync = new KeySync(
      keys,
      new KeyStore(shared),
      (changed) => teams.push(...changed),
      pino({ level: "silent" }),
    );
    const ask = (key: string): string => keys.identify({ authorization: `Bearer ${key}` }).keyName;
    const { secret, record } = await store.create({ name: "app", team: "blue" });
    expect(() => ask(secret)).toThrow(expect.objectContaining({ code: "KEYS_UNAVAILABLE" }));
    await sync.start();
    expect(ask(secret)).toBe("app");
    expect(() => ask(`${secret}x`)).toThrow(expect.objectContaining({ code: "INVALID_API_KEY" }));
    expect(keys.identify({ "x-api-key": secret })).toMatchObject({ keyId: record.id, team: "blue", unlimited: false });
    await store.update(record.id, { name: "renamed" });
    await store.putTeam("blue", { dayUsd: 2 });
    await sync.refresh();
    expect(ask(secret)).toBe("renamed");
    await store.deleteTeam("blue");
    const { secret: second } = await store.rotate(record.id);
    await sync.refresh();
    expect(teams).toEqual([
      { name: "blue", budget: { dayUsd: 2 }, deleted: false },
      { name: "blue", budget: { dayUsd: 2 }, deleted: true },
    ]);
    expect(() => ask(secret)).toThrow(expect.objectContaining({ code: "INVALID_API_KEY" }));
    expect(ask(second)).toBe("renamed");
    await store.update(record.id, { expiresAt: "2020-01-01T00:00:00Z" });
    await sync.refresh();
    expect(() => ask(second)).toThrow("expired");
    await store.update(record.id, { expiresAt: null, status: "disabled" });
    await sync.refresh();
    expect(() => ask(second)).toThrow("disabled");
    await store.revoke(record.id);
    await sync.refresh();
    expect(() => ask(second)).toThrow("revoked");
    const counted = telemetry.events.filter(({ name }) => name === "keysCounted");
    expect(counted.at(-1)).toMatchObject({ byStatus: { active: 0, revoked: 1 } });
    await sync.refresh();
    expect(telemetry.events.filter(({ name }) => name === "keysCounted")).toHaveLength(counted.length);
    sync.close();
  });

  test("many changes at once get numbers of their own", async () => {
    const store = new KeyStore(await database());
    await Promise.all(Array.from({ length: 12 }, (_, index) => store.create({ name: `key ${index}` })));
    const all = await store.changesSince(0);
    expect(all.keys).toHaveLength(12);
    expect(all.seq).toBe(12);
    expect(await store.changesSince(all.seq)).toEqual({ keys: [], teams: [], seq: 12 });
  });
}
