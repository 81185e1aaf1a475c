import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ProviderConfig } from "../providers/provider.ts";
import { SIMULATED_PROVIDERS } from "./models.ts";
import { SimulatorMemory, serveSimulated } from "./serve.ts";

export interface Simulator {
  /** Provider entries for the gateway, each at an address of its own on the simulator. */
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  close(): Promise<void>;
}

/** Starts the simulator on a free loopback port: a real HTTP server that speaks both wire formats. */
export async function startSimulator(): Promise<Simulator> {
  const memory = new SimulatorMemory();
  const server = createServer((request: IncomingMessage, reply: ServerResponse) => {
    serveSimulated(memory, request, reply).catch(() => reply.destroy());
  });
  server.keepAliveTimeout = 120_000; // Longer than the gateway's, so that it never meets a closing connection.
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const providers: Record<string, ProviderConfig> = {};
  for (const [name, { type, models }] of Object.entries(SIMULATED_PROVIDERS)) {
    const path = type === "openai" ? `/${name}/v1` : `/${name}`;
    providers[name] = { type, baseUrl: `http://127.0.0.1:${port}${path}`, apiKey: undefined, models: [...models] };
  }
  return { providers, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
