import * as z from "zod";
import type { Tables } from "../../database/database.ts";
import { toUsd } from "../access/nano-usd.ts";
import { SUM_COLUMNS, type UsageTables } from "./usage-tables.ts";

const HOUR_MS = 3_600_000;
/** Most rows of one report; the dearest come first where there are more. */
const ROWS_MAX = 10_000;

export const USAGE_GROUPS = ["key", "team", "provider", "model", "endUser", "tag"] as const;
export const USAGE_BUCKETS = ["hour", "day", "all"] as const;

/** What a report is asked for. Times are Unix ms and rounded to hours; `toMs` is not part of it. */
export const usageQuestion = z.strictObject({
  fromMs: z.number().int().nonnegative(),
  toMs: z.number().int().nonnegative(),
  /** Days are UTC days. */
  bucket: z.enum(USAGE_BUCKETS).default("all"),
  /** By end user or tag it cannot be grouped by team or provider as well, nor by the other of the two. */
  groupBy: z.array(z.enum(USAGE_GROUPS)).max(USAGE_GROUPS.length).default([]),
  keyId: z.string().optional(),
  team: z.string().optional(),
  model: z.string().optional(),
  limit: z.number().int().positive().max(ROWS_MAX).default(1_000),
});
export type UsageQuestion = z.input<typeof usageQuestion>;

export interface UsageRow {
  /** Unix ms of the bucket's beginning; absent with bucket `all`. */
  readonly startMs?: number;
  readonly key?: string;
  readonly team?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly endUser?: string;
  readonly tag?: string;
  readonly requests: number;
  readonly errors: number;
  readonly interrupted: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteInputTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
}

/** The question asks for a combination that is not kept. */
export class UsageQuestionError extends Error {
  override readonly name = "UsageQuestionError";
}

const COLUMNS = {
  key: "key_id",
  team: "team",
  provider: "provider",
  model: "model",
  endUser: "end_user",
  tag: "tag",
} as const;

/** Usage as it is in the database: the last roll-up is a few seconds old. */
export class UsageReports {
  readonly #tables: Tables<UsageTables>;

  constructor(tables: Tables<UsageTables>) {
    this.#tables = tables;
  }

  /** By bucket, then the dearest first. @throws ZodError, UsageQuestionError, or the database's error. */
  async usage(question: UsageQuestion): Promise<UsageRow[]> {
    const asked = usageQuestion.parse(question);
    const table = tableFor(asked.groupBy, asked.team);
    const { sql } = await import("kysely");
    const bucketHours = asked.bucket === "hour" ? 1 : 24;
    const columns = asked.groupBy.map((group) => COLUMNS[group]);
    const conditions = [
      sql`hour >= ${Math.floor(asked.fromMs / HOUR_MS)}`,
      sql`hour < ${Math.ceil(asked.toMs / HOUR_MS)}`,
      ...(asked.keyId === undefined ? [] : [sql`key_id = ${asked.keyId}`]),
      ...(asked.team === undefined ? [] : [sql`team = ${asked.team}`]),
      ...(asked.model === undefined ? [] : [sql`model = ${asked.model}`]),
    ];
    // Whole numbers divide to whole numbers on both databases.
    const bucket = sql`(hour / ${sql.lit(bucketHours)}) * ${sql.lit(bucketHours)}`;
    const groups = [...(asked.bucket === "all" ? [] : [bucket]), ...columns.map((column) => sql.ref(column))];
    const shown = [
      ...(asked.bucket === "all" ? [] : [sql`${bucket} as bucket`]),
      ...columns.map((column) => sql.ref(column)),
      ...SUM_COLUMNS.map((column) => sql`coalesce(sum(${sql.ref(column)}), 0) as ${sql.ref(column)}`),
    ];
    const { rows } = await this.#tables.run((db) =>
      sql<Readonly<Record<string, string | number>>>`
        select ${sql.join(shown)} from ${sql.table(table)} where ${sql.join(conditions, sql` and `)}
        ${groups.length === 0 ? sql`` : sql`group by ${sql.join(groups)}`}
        order by ${asked.bucket === "all" ? sql`` : sql`bucket, `}cost_nano_usd desc, requests desc limit ${asked.limit}`.execute(
        db,
      ),
    );
    return rows.map((row) => ({
      ...(asked.bucket !== "all" && { startMs: Number(row["bucket"]) * HOUR_MS }),
      ...Object.fromEntries(asked.groupBy.map((group) => [group, String(row[COLUMNS[group]])])),
      requests: Number(row["requests"]),
      errors: Number(row["errors"]),
      interrupted: Number(row["interrupted"]),
      inputTokens: Number(row["input_tokens"]),
      outputTokens: Number(row["output_tokens"]),
      cachedInputTokens: Number(row["cached_tokens"]),
      cacheWriteInputTokens: Number(row["cache_write_tokens"]),
      reasoningTokens: Number(row["reasoning_tokens"]),
      costUsd: toUsd(Number(row["cost_nano_usd"])),
    }));
  }
}

function tableFor(groupBy: readonly (typeof USAGE_GROUPS)[number][], team: string | undefined): keyof UsageTables {
  const special = groupBy.filter((group) => group === "endUser" || group === "tag");
  if (special.length === 0) return "usage_hours";
  const clash = groupBy.find((group) => group === "team" || group === "provider");
  if (special.length > 1 || clash !== undefined || team !== undefined) {
    throw new UsageQuestionError(
      `Usage by ${special[0]} is kept by key and model only; leave ${clash ?? special[1] ?? "team"} out.`,
    );
  }
  return special[0] === "endUser" ? "usage_end_users" : "usage_tags";
}
