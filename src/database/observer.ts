import type { LogEvent, RootOperationNode } from "kysely";

export type QueryOperation = "select" | "insert" | "update" | "delete" | "other";

/** One statement that ended. */
export interface QueryObservation {
  /** Name of the table, or `other` for statements that name none (raw SQL, schema changes). */
  readonly table: string;
  readonly operation: QueryOperation;
  readonly seconds: number;
  /** The driver's error code, or `error` where it has none; undefined when the statement succeeded. */
  readonly error: string | undefined;
}

/** What a database tells its owner's metrics. None of these may throw. */
export interface DatabaseObserver {
  query?(observation: QueryObservation): void;
  /** A connection failed, or a caller got none: the driver's code such as `ECONNREFUSED`, or `pool_full`. */
  poolError?(type: string): void;
}

const OPERATIONS: Readonly<Record<string, QueryOperation>> = {
  SelectQueryNode: "select",
  InsertQueryNode: "insert",
  UpdateQueryNode: "update",
  DeleteQueryNode: "delete",
};

/** kysely's log event as an observation. */
export function observationOf(event: LogEvent): QueryObservation {
  const node = event.query.query;
  return {
    table: tableOf(node) ?? "other",
    operation: OPERATIONS[node.kind] ?? "other",
    seconds: event.queryDurationMillis / 1_000,
    error: event.level === "error" ? errorCode(event.error) : undefined,
  };
}

/** The driver's own code of an error, such as `ECONNREFUSED`, `57P01` or `SQLITE_FULL`. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && code !== "" ? code : "error";
}

/** The first table that the statement names; nodes are plain objects of kysely's. */
function tableOf(node: RootOperationNode): string | undefined {
  switch (node.kind) {
    case "SelectQueryNode":
    case "DeleteQueryNode":
      return firstTable(node.from?.froms);
    case "InsertQueryNode":
      return firstTable(node.into === undefined ? undefined : [node.into]);
    case "UpdateQueryNode":
      return firstTable(node.table === undefined ? undefined : [node.table]);
    default:
      return undefined;
  }
}

function firstTable(nodes: readonly object[] | undefined): string | undefined {
  let node = nodes?.[0] as { kind: string; node?: object; table?: { identifier: { name: string } } } | undefined;
  if (node?.kind === "AliasNode") node = node.node as typeof node;
  return node?.kind === "TableNode" ? node.table?.identifier.name : undefined;
}
