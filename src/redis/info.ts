/** What the server says of itself, as the `redis_*` metrics want it. */
export interface RedisInfo {
  readonly usedMemoryBytes: number;
  /** 0 where the server has no limit. */
  readonly maxMemoryBytes: number;
  readonly connectedClients: number;
  readonly uptimeSeconds: number;
  readonly commandsProcessed: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly expiredKeys: number;
  readonly evictedKeys: number;
  readonly connectionsReceived: number;
  /** Keys by database, such as `db0`; empty databases are absent. */
  readonly keysByDb: Readonly<Record<string, number>>;
}

/** Reads the text of `INFO`; what a server does not say is 0. */
export function parseRedisInfo(text: string): RedisInfo {
  const fields = new Map<string, string>();
  const keysByDb: Record<string, number> = {};
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (line.startsWith("#") || colon < 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1);
    const keys = /^db\d+$/.test(name) ? /^keys=(\d+)/.exec(value) : null;
    if (keys === null) fields.set(name, value);
    else keysByDb[name] = Number(keys[1]);
  }
  const number = (name: string): number => {
    const value = Number(fields.get(name));
    return Number.isFinite(value) ? value : 0;
  };
  return {
    usedMemoryBytes: number("used_memory"),
    maxMemoryBytes: number("maxmemory"),
    connectedClients: number("connected_clients"),
    uptimeSeconds: number("uptime_in_seconds"),
    commandsProcessed: number("total_commands_processed"),
    keyspaceHits: number("keyspace_hits"),
    keyspaceMisses: number("keyspace_misses"),
    expiredKeys: number("expired_keys"),
    evictedKeys: number("evicted_keys"),
    connectionsReceived: number("total_connections_received"),
    keysByDb,
  };
}
