import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProvider, type Provider } from "./provider.ts";
import { readBody, UpstreamCall } from "./upstream-call.ts";

/** What a connection does with the n-th request that comes over it. */
type Behaviour = (socket: Socket, connection: number, request: number) => void;

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

let server: Server;
let provider: Provider;
let behaviour: Behaviour;
let requests: string[];
let connections: number;

beforeEach(async () => {
  requests = [];
  connections = 0;
  server = createServer((socket) => {
    const connection = ++connections;
    let request = 0;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      requests.push(`${connection}: ${bytes.toString("latin1").split("\r\n\r\n")[1]}`);
      behaviour(socket, connection, ++request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  provider = createProvider("p", { baseUrl: `http://127.0.0.1:${port}` }, 1_000, false);
});

afterEach(async () => {
  await provider.pool.destroy();
  server.close();
});

async function post(body: string): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 10)); // The pool takes a connection back a moment after its answer.
  const call = new UpstreamCall(provider.pool, { method: "POST", path: "/", body, headers: { accept: "*/*" } });
  try {
    await call.head;
    return `${(await readBody(call, 100)).toString()}${call.resent ? ", sent again" : ""}`;
  } catch (error) {
    return (error as { failure: string }).failure;
  }
}

const ENDS: [string, (socket: Socket) => void][] = [
  ["closes", (socket) => void socket.end()],
  ["resets", (socket) => void socket.resetAndDestroy()],
];

test.each(ENDS)(
  "a kept connection that %s when it is used again costs nothing: the request goes out anew",
  async (_, end) => {
    behaviour = (socket, connection, request) => (connection === 1 && request === 2 ? end(socket) : socket.write(OK));
    expect(await post("one")).toBe("ok");
    expect(await post("two")).toBe("ok, sent again");
    expect(requests).toEqual(["1: one", "1: two", "2: two"]);
  },
);

test.each(ENDS)(
  "a fresh connection that %s is a failure: whether the provider read the request is not known",
  async (_, end) => {
    behaviour = (socket) => end(socket);
    expect(await post("one")).toBe("reset");
    expect(requests).toEqual(["1: one"]);
  },
);

test("only once: two dead connections in a row are a failure", async () => {
  behaviour = (socket, _connection, request) =>
    requests.length > 1 ? socket.resetAndDestroy() : void (request && socket.write(OK));
  expect(await post("one")).toBe("ok");
  expect(await post("two")).toBe("reset");
  expect(requests).toEqual(["1: one", "1: two", "2: two"]);
});

test("a byte of an answer, or a moment of work, forbids it", async () => {
  behaviour = (socket, _connection, request) => {
    if (request === 1) socket.write(OK);
    else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", () => socket.resetAndDestroy());
  };
  expect(await post("one")).toBe("ok");
  expect(await post("two")).toBe("reset");
  expect(requests).toEqual(["1: one", "1: two"]);

  requests = [];
  behaviour = (socket, _connection, request) => {
    if (request === 1) socket.write(OK);
    else setTimeout(() => socket.resetAndDestroy(), 1_100);
  };
  expect(await post("one")).toBe("ok");
  expect(await post("two")).toBe("reset");
  expect(requests).toEqual(["2: one", "2: two"]);
});
