import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import { type Budget, budget } from "../../../config/access.ts";
import type { Database, Tables } from "../../../database/database.ts";
import { createKeySecret, hashKey } from "../key-secret.ts";
import {
  type KeyInput,
  type KeyPatch,
  type KeyRecord,
  type KeyRow,
  type KeyStatus,
  keyInput,
  keyPatch,
  keyRecordOf,
  rightsJson,
  type TeamRecord,
} from "./key-record.ts";
import { KEY_MIGRATIONS, type KeyTables } from "./key-tables.ts";

/** Keys that may exist, revoked ones left out: every gateway holds all of them in memory, at about 1 KB each. */
const KEYS_MAX = 100_000;
const TEAMS_MAX = 10_000;
/** Most keys of one answer of `list`. */
const LIST_MAX = 1_000;
/** Rows of one SQL statement. */
const STATEMENT_ROWS_MAX = 200;
/** Names that mean something to the gateway itself. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(["admin", "demo", "anonymous"]);

export class KeyStoreError extends Error {
  override readonly name = "KeyStoreError";
  readonly code: "KEY_NOT_FOUND" | "TEAM_NOT_FOUND" | "KEYS_MAX" | "TEAMS_MAX" | "NAME_RESERVED";

  constructor(code: KeyStoreError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface KeyFilter {
  readonly team?: string;
  readonly owner?: string;
  readonly status?: KeyStatus;
  /** Id of the last key of the page before. */
  readonly after?: string;
  readonly limit?: number;
}

/** Keys and teams that changed after a number, and the number to ask from next. */
export interface KeyChanges {
  readonly keys: readonly KeyRecord[];
  readonly teams: readonly TeamRecord[];
  readonly seq: number;
}

/** Keys and teams in the database. Inputs are checked by their zod schemas, whose ZodError is thrown as it is. */
export class KeyStore {
  readonly #tables: Tables<KeyTables>;
  readonly #now: () => number;
  readonly #changed: () => Promise<void>;

  /** @param changed Awaited after each change that this gateway made, so that it holds here when the caller hears of it. */
  constructor(database: Database, changed: () => Promise<void> = async () => undefined, now: () => number = Date.now) {
    this.#tables = database.component<KeyTables>("gateway_keys", KEY_MIGRATIONS);
    this.#changed = changed;
    this.#now = now;
  }

  /** Makes a key. Its secret is in the answer and nowhere else. @throws KeyStoreError KEYS_MAX, NAME_RESERVED. */
  async create(input: KeyInput): Promise<{ secret: string; record: KeyRecord }> {
    const fields = keyInput.parse(input);
    refuseReserved(fields.name);
    const secret = createKeySecret(fields.kind);
    const nowMs = this.#now();
    const row = await this.#change(async (db, seq) => {
      const { keys } = await db
        .selectFrom("gateway_keys")
        .select((eb) => eb.fn.countAll<number>().as("keys"))
        .where("status", "!=", "revoked")
        .executeTakeFirstOrThrow();
      if (keys >= KEYS_MAX) throw new KeyStoreError("KEYS_MAX", `There are ${keys} keys; the limit is ${KEYS_MAX}.`);
      const values: KeyRow = {
        id: `key_${randomBytes(9).toString("base64url").replaceAll(/[-_]/g, "0")}`,
        secret_hash: hashKey(secret),
        hint: hintOf(secret),
        name: fields.name,
        kind: fields.kind,
        status: "active",
        tier: fields.tier,
        owner: fields.owner ?? null,
        team: fields.team ?? null,
        rights: rightsJson({ ...fields, fallback: fields.fallback }),
        expires_at_ms: fields.expiresAt === undefined ? null : Date.parse(fields.expiresAt),
        created_at_ms: nowMs,
        updated_at_ms: nowMs,
        change_seq: seq,
      };
      await db.insertInto("gateway_keys").values(values).execute();
      return values;
    });
    return { secret, record: keyRecordOf(row) };
  }

  /** By id, ascending; revoked keys only when asked for by status. */
  async list(filter: KeyFilter = {}): Promise<KeyRecord[]> {
    const rows = await this.#tables.run((db) => {
      let query = db
        .selectFrom("gateway_keys as k")
        .leftJoin("gateway_key_use as u", "u.key_id", "k.id")
        .selectAll("k")
        .select("u.last_used_at_ms")
        .orderBy("k.id")
        .limit(Math.min(filter.limit ?? 100, LIST_MAX));
      query =
        filter.status === undefined
          ? query.where("k.status", "!=", "revoked")
          : query.where("k.status", "=", filter.status);
      if (filter.team !== undefined) query = query.where("k.team", "=", filter.team);
      if (filter.owner !== undefined) query = query.where("k.owner", "=", filter.owner);
      if (filter.after !== undefined) query = query.where("k.id", ">", filter.after);
      return query.execute();
    });
    return rows.map((row) => keyRecordOf(row, row.last_used_at_ms));
  }

  /** @throws KeyStoreError KEY_NOT_FOUND. */
  async get(id: string): Promise<KeyRecord> {
    const row = await this.#tables.run((db) =>
      db
        .selectFrom("gateway_keys as k")
        .leftJoin("gateway_key_use as u", "u.key_id", "k.id")
        .selectAll("k")
        .select("u.last_used_at_ms")
        .where("k.id", "=", id)
        .executeTakeFirst(),
    );
    if (row === undefined) throw keyNotFound(id);
    return keyRecordOf(row, row.last_used_at_ms);
  }

  /** @throws KeyStoreError KEY_NOT_FOUND (also for a revoked key, which never comes back), NAME_RESERVED. */
  async update(id: string, patch: KeyPatch): Promise<KeyRecord> {
    const fields = keyPatch.parse(patch);
    if (fields.name !== undefined) refuseReserved(fields.name);
    return this.#rewrite(id, (old) => {
      const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
      const { expiresAt, ...rest } = given as typeof fields;
      const expires =
        expiresAt === undefined ? {} : { expiresAtMs: expiresAt === null ? undefined : Date.parse(expiresAt) };
      return { ...old, ...nullsEmptied(rest), ...expires };
    });
  }

  /** The key is refused from now on, for good. @throws KeyStoreError KEY_NOT_FOUND. */
  revoke(id: string): Promise<KeyRecord> {
    return this.#rewrite(id, (old) => ({ ...old, status: "revoked" }));
  }

  /** Gives the key a new secret; the old one is refused from now on. @throws KeyStoreError KEY_NOT_FOUND. */
  async rotate(id: string): Promise<{ secret: string; record: KeyRecord }> {
    let secret = "";
    const record = await this.#rewrite(id, (old) => {
      secret = createKeySecret(old.kind);
      return { ...old, secretHash: hashKey(secret), hint: hintOf(secret) };
    });
    return { secret, record };
  }

  /** Makes the team or changes its budget. @throws KeyStoreError TEAMS_MAX. */
  async putTeam(name: string, money: Budget): Promise<TeamRecord> {
    const json = JSON.stringify(budget.parse(money));
    await this.#change(async (db, seq) => {
      const { teams } = await db
        .selectFrom("gateway_teams")
        .select((eb) => eb.fn.countAll<number>().as("teams"))
        .where("name", "!=", name)
        .executeTakeFirstOrThrow();
      if (teams >= TEAMS_MAX)
        throw new KeyStoreError("TEAMS_MAX", `There are ${teams} teams; the limit is ${TEAMS_MAX}.`);
      const values = { budget: json, deleted: 0, change_seq: seq };
      await db
        .insertInto("gateway_teams")
        .values({ name, ...values })
        .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
        .execute();
    });
    return { name, budget: budget.parse(money), deleted: false };
  }

  async teams(): Promise<TeamRecord[]> {
    const rows = await this.#tables.run((db) =>
      db.selectFrom("gateway_teams").selectAll().where("deleted", "=", 0).orderBy("name").execute(),
    );
    return rows.map(teamOf);
  }

  /** Its keys stay, without a team's budget. @throws KeyStoreError TEAM_NOT_FOUND. */
  async deleteTeam(name: string): Promise<void> {
    await this.#change(async (db, seq) => {
      const { numUpdatedRows } = await db
        .updateTable("gateway_teams")
        .set({ deleted: 1, change_seq: seq })
        .where("name", "=", name)
        .where("deleted", "=", 0)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new KeyStoreError("TEAM_NOT_FOUND", `There is no team ${JSON.stringify(name)}.`);
    });
  }

  /** What changed since `seq`; 0 asks for everything that is not revoked. */
  async changesSince(seq: number): Promise<KeyChanges> {
    return this.#tables.run(async (db) => {
      const last = await db.selectFrom("gateway_key_changes").select("seq").executeTakeFirstOrThrow();
      if (last.seq === seq) return { keys: [], teams: [], seq };
      let query = db.selectFrom("gateway_keys").selectAll().where("change_seq", ">", seq);
      if (seq === 0) query = query.where("status", "!=", "revoked");
      const keys = await query.execute();
      const teams = await db.selectFrom("gateway_teams").selectAll().where("change_seq", ">", seq).execute();
      // A change between the statements is in the rows already and comes once more with the next call.
      return { keys: keys.map((row) => keyRecordOf(row)), teams: teams.map(teamOf), seq: last.seq };
    });
  }

  /** Notes when keys were last used, for `list` and `get`. Keys that are none of the database's do no harm. */
  async noteUse(lastUse: ReadonlyMap<string, number>): Promise<void> {
    const rows = [...lastUse]
      .map(([key_id, last_used_at_ms]) => ({ key_id, last_used_at_ms }))
      .sort((left, right) => (left.key_id < right.key_id ? -1 : 1));
    for (let start = 0; start < rows.length; start += STATEMENT_ROWS_MAX) {
      await this.#tables.run((db) =>
        db
          .insertInto("gateway_key_use")
          .values(rows.slice(start, start + STATEMENT_ROWS_MAX))
          .onConflict((conflict) =>
            conflict.column("key_id").doUpdateSet((eb) => ({ last_used_at_ms: eb.ref("excluded.last_used_at_ms") })),
          )
          .execute(),
      );
    }
  }

  async #rewrite(id: string, edit: (old: KeyRecord) => KeyRecord): Promise<KeyRecord> {
    return this.#change(async (db, seq) => {
      const row = await db.selectFrom("gateway_keys").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined || row.status === "revoked") throw keyNotFound(id);
      const edited: KeyRecord = { ...edit(keyRecordOf(row)), updatedAtMs: this.#now() };
      await db
        .updateTable("gateway_keys")
        .set({
          secret_hash: edited.secretHash,
          hint: edited.hint,
          name: edited.name,
          status: edited.status,
          tier: edited.tier,
          owner: edited.owner ?? null,
          team: edited.team ?? null,
          rights: rightsJson(edited),
          expires_at_ms: edited.expiresAtMs ?? null,
          updated_at_ms: edited.updatedAtMs,
          change_seq: seq,
        })
        .where("id", "=", id)
        .execute();
      return edited;
    });
  }

  async #change<T>(work: (db: Transaction<KeyTables>, seq: number) => Promise<T>): Promise<T> {
    const result = await this.#tables.transaction(async (db) => {
      // First, as its lock makes other gateways' changes wait: numbers appear in the order in which they become visible.
      const { seq } = await db
        .updateTable("gateway_key_changes")
        .set((eb) => ({ seq: eb("seq", "+", 1) }))
        .returning("seq")
        .executeTakeFirstOrThrow();
      return work(db, seq);
    });
    await this.#changed();
    return result;
  }
}

function teamOf(row: KeyTables["gateway_teams"]): TeamRecord {
  return { name: row.name, budget: JSON.parse(row.budget) as Budget, deleted: row.deleted === 1 };
}

function hintOf(secret: string): string {
  return `${secret.slice(0, secret.indexOf("_", 3) + 1)}…${secret.slice(-4)}`;
}

function keyNotFound(id: string): KeyStoreError {
  return new KeyStoreError("KEY_NOT_FOUND", `There is no key ${JSON.stringify(id.slice(0, 100))}.`);
}

function refuseReserved(name: string): void {
  if (!RESERVED_NAMES.has(name)) return;
  throw new KeyStoreError(
    "NAME_RESERVED",
    `A key cannot be called ${JSON.stringify(name)}: the gateway means its own.`,
  );
}

function nullsEmptied<T extends object>(fields: T): { [Field in keyof T]: Exclude<T[Field], null> } {
  const entries = Object.entries(fields).map(([field, value]) => [field, value === null ? undefined : value]);
  return Object.fromEntries(entries) as { [Field in keyof T]: Exclude<T[Field], null> };
}
