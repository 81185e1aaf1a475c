import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatewayz-transit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A primary in a process of its own: a test runner's process cannot be one. Its worker stops and never takes anything. */
const primary = (guarded: boolean): string => `
  import cluster from "node:cluster";
  import { createServer } from "node:net";
  ${guarded ? `import { closeConnectionsInTransit } from ${JSON.stringify(join(import.meta.dirname, "connections-in-transit.ts"))};` : ""}
  if (cluster.isPrimary) {
    const worker = cluster.fork();
    ${guarded ? "closeConnectionsInTransit(worker.process, (count) => process.send({ closed: count }));" : ""}
    worker.on("message", (port) => {
      worker.process.kill("SIGSTOP");
      process.send({ port });
    });
    process.on("message", () => worker.process.kill("SIGKILL"));
    // Another worker keeps the port open, as the successor of the dead one does.
    const other = cluster.fork({ SILENT: "1" });
    process.on("disconnect", () => { other.process.kill("SIGKILL"); worker.process.kill("SIGKILL"); process.exit(); });
  } else {
    const server = createServer((socket) => socket.end("taken"));
    server.listen(0, "127.0.0.1", () => { if (!process.env.SILENT) process.send(server.address().port); });
  }
`;

async function clientsOfADyingWorker(guarded: boolean): Promise<{ ended: number; closed: number }> {
  const file = join(folder, "primary.ts");
  writeFileSync(file, primary(guarded));
  const child = fork(file, [], { execArgv: ["--import", "tsx"], cwd: process.cwd() });
  let closed = 0;
  const port = await new Promise<number>((resolve) => {
    child.on("message", (message: { port?: number; closed?: number }) => {
      if (message.port !== undefined) resolve(message.port);
      closed += message.closed ?? 0;
    });
  });
  let ended = 0;
  const clients = Array.from({ length: 8 }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.resume();
    socket.on("error", () => undefined);
    socket.on("close", () => void ended++);
    return socket;
  });
  await expect.poll(() => ended, { timeout: 20_000 }).toBe(7); // The other worker's.
  child.send("kill");
  if (guarded) await expect.poll(() => ended, { timeout: 5_000 }).toBe(8);
  else await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const socket of clients) socket.destroy();
  const result = { ended, closed };
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.disconnect();
  await gone;
  return result;
}

test("a connection whose worker dies before it took it is closed; without this it would stay open", async () => {
  expect(await clientsOfADyingWorker(false)).toEqual({ ended: 7, closed: 0 });
  expect(await clientsOfADyingWorker(true)).toEqual({ ended: 8, closed: 1 });
}, 60_000);
