import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ChunkedReply } from "./chunked-reply.ts";

/** Serves one handler; gives its port. */
async function serve(handler: (reply: ServerResponse, path: string) => void): Promise<number> {
  const server = createServer((incoming, reply) => handler(reply, incoming.url!)).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function write(chunked: ChunkedReply, piece: string | Buffer): boolean {
  return chunked.write(piece, Buffer.byteLength(piece));
}

/** All bytes that come for these bytes, until the server closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks).toString("utf8");
}

const PIECES = [
  "first ",
  Buffer.from("zweites Stück "),
  "d\u00e9j\u00e0 vu \u{1F600} ",
  "",
  "x".repeat(40_000),
  " end",
];

test("a client reads what was written, whatever the pieces are", async () => {
  const port = await serve((reply) => {
    reply.writeHead(200, { "content-type": "text/plain" });
    const chunked = new ChunkedReply(reply, () => undefined);
    const [first, ...others] = PIECES;
    write(chunked, first!);
    setImmediate(() => {
      for (const piece of others) write(chunked, piece);
      chunked.close();
      reply.end("!");
    });
  });
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(text).toBe(`${PIECES.map(String).join("")}!`);
});

test("HTTP/1.0 gets no chunks", async () => {
  const port = await serve((reply) => {
    reply.writeHead(200);
    const chunked = new ChunkedReply(reply, () => undefined);
    for (const piece of ["a", "b", "c"]) write(chunked, piece);
    reply.end();
  });
  expect(await exchange(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/\r\n\r\nabc$/);
});

test("replies on one connection come in the order of their requests", async () => {
  const late: (() => void)[] = [];
  const port = await serve((reply, path) => {
    const answer = (): void => {
      reply.writeHead(200);
      const chunked = new ChunkedReply(reply, () => undefined);
      for (const piece of [`${path} one,`, `${path} two,`]) write(chunked, piece);
      setImmediate(() => {
        write(chunked, `${path} last`);
        reply.end();
        for (const next of late.splice(0)) setImmediate(next);
      });
    };
    if (path === "/a") late.push(() => undefined, answer);
    else answer(); // Before the reply to the first request has begun.
  });
  const text = await exchange(
    port,
    "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  const body = text.replaceAll(/HTTP\/1.1 200 OK\r\n(?:[^\r]+\r\n)*\r\n|[0-9a-f]+\r\n/g, "").replaceAll("\r\n", "");
  expect(body).toBe("/a one,/a two,/a last/b one,/b two,/b last");
});

test("a client that does not read holds the writer up, and frees it when it reads", async () => {
  let drained = 0;
  let full = false;
  const port = await serve((reply) => {
    reply.writeHead(200);
    const chunked: ChunkedReply = new ChunkedReply(reply, () => {
      drained++;
      reply.end();
    });
    write(chunked, "begin");
    setImmediate(() => {
      const piece = "y".repeat(10_000);
      for (let count = 0; count < 5_000 && write(chunked, piece); count++);
      full = chunked.needDrain;
    });
  });
  const incoming = await new Promise<NodeJS.ReadableStream>((resolve) => {
    request({ port, host: "127.0.0.1" }, resolve).end();
  });
  await expect.poll(() => full).toBe(true);
  expect(drained).toBe(0);
  incoming.resume();
  await once(incoming, "end");
  expect(drained).toBeGreaterThan(0);
});
