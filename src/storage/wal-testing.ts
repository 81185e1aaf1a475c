import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readWal, type WalDamageInfo } from "./wal-read.ts";

/** Runs `action` in a folder of its own, which is removed afterwards. */
export async function withTempDir<T>(action: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "gatewayz-storage-"));
  try {
    return await action(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** All records of a WAL, copied, and the damage met on the way. */
export async function readAll(
  dir: string,
  damage: "truncate" | "resync",
): Promise<{ records: Uint8Array[]; damages: WalDamageInfo[] }> {
  const records: Uint8Array[] = [];
  const damages: WalDamageInfo[] = [];
  for await (const { record } of readWal(dir, { damage, onDamage: (info) => damages.push(info) })) {
    records.push(record.slice());
  }
  return { records, damages };
}
