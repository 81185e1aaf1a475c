import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a broken provider does with the socket once it has read a request. */
export type Misbehave = (socket: Socket, request: FaultyRequest) => void | Promise<void>;

export interface FaultyRequest {
  readonly path: string;
  readonly stream: boolean;
  readonly anthropic: boolean;
}

/** A provider below HTTP: it reads requests properly and then answers with whatever bytes, pauses and resets it is told. */
export class FaultProvider {
  readonly url: string;
  readonly #faults = new Map<string, Misbehave>();
  readonly #server: Server;
  /** Open connections, and the path of the last request on each. */
  readonly #open: Map<Socket, string>;

  private constructor(server: Server, open: Map<Socket, string>) {
    this.#server = server;
    this.#open = open;
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  static async start(): Promise<FaultProvider> {
    const open = new Map<Socket, string>();
    const server = createServer({ noDelay: true }, (socket) => {
      open.set(socket, "");
      socket.on("error", () => undefined); // Being cut off is what happens here.
      socket.on("close", () => open.delete(socket));
      let received = Buffer.alloc(0);
      let before = Promise.resolve();
      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        const head = received.indexOf("\r\n\r\n");
        if (head < 0) return;
        const text = received.subarray(0, head).toString("latin1");
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        if (received.length < head + 4 + length) return;
        const body = received.subarray(head + 4, head + 4 + length).toString("utf8");
        received = received.subarray(head + 4 + length);
        const path = text.split(" ")[1]!;
        if (text.startsWith("GET ")) {
          socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
          return;
        }
        open.set(socket, path);
        const request = { path, stream: body.includes('"stream":true'), anthropic: path.endsWith("/messages") };
        const misbehave = provider.#faults.get(`/${path.split("/")[1]}`);
        // A request that comes while the answer before it still ends the connection gets nothing, as from any server.
        before = before
          .then(() => (socket.writableEnded ? undefined : misbehave?.(socket, request)))
          .catch(() => void socket.destroy());
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const provider = new FaultProvider(server, open);
    return provider;
  }

  /** Misbehaves so below this path, such as `/fault-1`. @returns the base URL. */
  add(path: string, misbehave: Misbehave): string {
    this.#faults.set(path, misbehave);
    return this.url + path;
  }

  /** Connections that the gateway holds, as the paths of their last requests. */
  get openConnections(): string[] {
    return [...this.#open.values()].sort();
  }

  async close(): Promise<void> {
    for (const socket of this.#open.keys()) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

/** Writes head and body as given. */
export function raw(...pieces: readonly (string | Buffer)[]): Misbehave {
  return async (socket) => {
    for (const piece of pieces) {
      if (socket.destroyed) return;
      socket.write(piece);
      await sleep(5); // So that each piece arrives as one of its own.
    }
    socket.end();
  };
}

export function head(status: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

export const EVENT_STREAM = head("200 OK", { "content-type": "text/event-stream", connection: "close" });

/** A whole JSON reply with its right length. */
export function jsonReply(status: string, body: unknown, headers: Readonly<Record<string, string>> = {}): string {
  const text = JSON.stringify(body);
  const length = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) };
  return head(status, { ...length, ...headers }) + text;
}
