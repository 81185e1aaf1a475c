import type { AdminApi } from "./admin-api.ts";

export { AdminApi, AdminRefused, GatewayUnreachable } from "./admin-api.ts";

/** Keys of one page, and pages at most: a list longer than that is for the API. */
const PAGE = 500;
const PAGES_MAX = 200;

/** A key as the admin API shows it. */
export interface ListedKey {
  readonly id: string;
  readonly name: string;
  readonly hint: string;
  readonly status: string;
  readonly expired: boolean;
  readonly tier: string;
  readonly team: string | null;
  readonly owner: string | null;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly budget: { readonly dayUsd?: number; readonly monthUsd?: number };
}

export interface NewKey extends ListedKey {
  /** Shown once. */
  readonly key: string;
}

export interface KeyFilter {
  readonly team?: string | undefined;
  readonly owner?: string | undefined;
  readonly status?: string | undefined;
}

export interface UsageQuery {
  readonly key?: string | undefined;
  readonly team?: string | undefined;
  readonly model?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly bucket?: string | undefined;
  readonly groupBy?: string | undefined;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  readonly bucket: string;
  readonly group_by: readonly string[];
  readonly data: readonly Readonly<Record<string, string | number>>[];
  readonly truncated: boolean;
}

/** @param fields As `POST /admin/keys` takes them. */
export async function createKey(api: AdminApi, fields: object): Promise<NewKey> {
  return (await api.json("POST", "/admin/keys", fields)) as NewKey;
}

/** All keys that fit, whatever their number, by id. */
export async function listKeys(api: AdminApi, filter: KeyFilter): Promise<ListedKey[]> {
  const keys: ListedKey[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = queryOf({ ...filter, after, limit: String(PAGE) });
    const reply = (await api.json("GET", `/admin/keys${query}`)) as {
      data: ListedKey[];
      has_more: boolean;
      last_id: string | null;
    };
    keys.push(...reply.data);
    if (!reply.has_more || reply.last_id === null) return keys;
    after = reply.last_id;
  }
  return keys;
}

export async function revokeKey(api: AdminApi, id: string): Promise<ListedKey> {
  return (await api.json("DELETE", `/admin/keys/${encodeURIComponent(id)}`)) as ListedKey;
}

export async function readUsage(api: AdminApi, query: UsageQuery): Promise<UsageReport> {
  return (await api.json("GET", `/admin/usage${usageQuery(query)}`)) as UsageReport;
}

/** The same as CSV. */
export function readUsageCsv(api: AdminApi, query: UsageQuery): Promise<string> {
  return api.text("GET", `/admin/usage${usageQuery(query, { format: "csv" })}`);
}

function usageQuery({ groupBy, ...rest }: UsageQuery, more: Record<string, string> = {}): string {
  return queryOf({ ...rest, group_by: groupBy, ...more });
}

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
