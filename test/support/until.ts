import { setTimeout as sleep } from "node:timers/promises";

/** Asks until the answer is true; for hooks, where `expect.poll` is not allowed. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(100)) if (await holds()) return;
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}
