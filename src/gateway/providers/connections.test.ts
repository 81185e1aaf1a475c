import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createProvider } from "./provider.ts";
import { UpstreamCall } from "./upstream-call.ts";

test.each([[1], [3]])("a provider with connections: %i is never asked more at once", async (connections) => {
  const held: ServerResponse[] = [];
  const server = createServer((_request, reply) => void held.push(reply)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const provider = createProvider("p", { baseUrl: `http://127.0.0.1:${port}/v1`, connections }, 1_000, false);
  onTestFinished(async () => {
    await provider.pool.destroy();
    server.close();
  });
  expect(provider.connections).toBe(connections);
  const calls = Array.from({ length: 5 }, () => new UpstreamCall(provider.pool, { method: "POST", path: "/v1/x" }));
  for (let answered = 0; answered < calls.length; answered++) {
    await expect.poll(() => held.length).toBe(Math.min(connections, calls.length - answered));
    held.shift()!.end("done");
    const { status } = await calls[answered]!.head;
    expect(status).toBe(200);
    calls[answered]!.resume();
  }
});
