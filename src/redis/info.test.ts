import { expect, test } from "vitest";
import { parseRedisInfo } from "./info.ts";

test("INFO: counts, a missing field is 0, keys by database", () => {
  const text =
    "# Memory\r\nused_memory:1048576\r\nmaxmemory:0\r\nused_memory_human:1.00M\r\n\r\n# Stats\r\nkeyspace_hits:7\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=5\r\ndb12:keys=9,expires=0,avg_ttl=0\r\n";
  expect(parseRedisInfo(text)).toEqual({
    usedMemoryBytes: 1_048_576,
    maxMemoryBytes: 0,
    connectedClients: 0,
    uptimeSeconds: 0,
    commandsProcessed: 0,
    keyspaceHits: 7,
    keyspaceMisses: 0,
    expiredKeys: 0,
    evictedKeys: 0,
    connectionsReceived: 0,
    keysByDb: { db0: 3, db12: 9 },
  });
});
