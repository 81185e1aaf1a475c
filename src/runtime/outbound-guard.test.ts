import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import fc from "fast-check";
import { Agent, request as undiciRequest } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressRange } from "../config/address-range.ts";
import { guardedLookup, type Reach, refusedLiteral } from "./outbound-guard.ts";

const STRICT: Reach = { allowPrivate: false };

const ranges = [
  ["8.8.8.8", "public"],
  ["2606:4700:4700::1111", "public"],
  ["127.0.0.1", "private"],
  ["127.9.9.9", "private"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["::1", "private"],
  ["fd12::1", "private"],
  ["::ffff:7f00:1", "private"],
  ["::ffff:10.0.0.1", "private"],
  ["64:ff9b::a00:1", "private"],
  ["2002:7f00:1::", "private"],
  ["::ffff:8.8.8.8", "public"],
  ["64:ff9b::808:808", "public"],
  ["169.254.169.254", "never"],
  ["::ffff:169.254.169.254", "never"],
  ["64:ff9b::a9fe:a9fe", "never"],
  ["fe80::1", "never"],
  ["fe80::1%eth0", "never"],
  ["fd00:ec2::254", "never"],
  ["100.100.100.200", "never"],
  ["0.0.0.0", "never"],
  ["0.1.2.3", "never"],
  ["::", "never"],
  ["224.0.0.1", "never"],
  ["255.255.255.255", "never"],
  ["ff02::1", "never"],
  ["not an address", "never"],
] as const;

test.each(ranges)("%s is %s", (address, range) => {
  expect(addressRange(address)).toBe(range);
});

test("no IPv4 address changes its range by being written inside an IPv6 one", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(addressRange(`::ffff:${address}`)).toBe(addressRange(address));
    }),
  );
});

const literals = [
  ["http://127.0.0.1/", {}, false],
  ["http://127.1/", {}, false],
  ["http://2130706433/", {}, false],
  ["http://0x7f000001/", {}, false],
  ["http://017700000001/", {}, false],
  ["http://[::ffff:7f00:1]/", {}, false],
  ["http://0.0.0.0/", { allowPrivate: true }, false],
  ["http://169.254.169.254/", { allowPrivate: true }, false],
  ["http://[fe80::1]/", { allowPrivate: true }, false],
  ["http://8.8.8.8/", {}, true],
  ["http://10.0.0.1/", { allowPrivate: true }, true],
  ["http://10.0.0.1/", { explicitHost: "10.0.0.1" }, true],
  ["http://[::1]/", { explicitHost: "[::1]" }, true],
  ["http://169.254.169.254/", { explicitHost: "169.254.169.254" }, false],
  ["http://10.0.0.2/", { explicitHost: "10.0.0.1" }, false],
] as const;

test.each(literals)("%s with %j may be called: %s", (url, reach, allowed) => {
  const refused = refusedLiteral(new URL(url).hostname, { ...STRICT, ...reach });
  expect(refused === undefined).toBe(allowed);
});

let server: Server;
let port: number;
let served = 0;

beforeAll(async () => {
  server = createServer((_request, reply) => {
    served++;
    reply.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end("moved");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => server.close());

/** A name service that gives these answers in turn, the last for ever. */
function names(...answers: readonly (readonly string[])[]) {
  const left = [...answers];
  return (_host: string, done: (error: null, addresses: { address: string; family: number }[]) => void) => {
    const addresses = left.length > 1 ? left.shift()! : left[0]!;
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
}

async function call(host: string, reach: Reach, ...answers: readonly (readonly string[])[]): Promise<number | string> {
  const agent = new Agent({ connect: { lookup: guardedLookup(reach, names(...answers)) } });
  try {
    const { statusCode, body } = await undiciRequest(`http://${host}:${port}/`, { dispatcher: agent });
    await body.dump();
    return statusCode;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await agent.close();
  }
}

test("a public name that resolves to this machine is refused at connect, before anything is sent", async () => {
  served = 0;
  for (const address of ["127.0.0.1", "::ffff:7f00:1", "10.0.0.1", "169.254.169.254", "0.0.0.0"]) {
    expect(await call("api.example.com", STRICT, [address])).toBe("OUTBOUND_REFUSED");
    expect(await call("api.example.com", { ...STRICT, explicitHost: "api.example.com" }, [address])).toBe(
      "OUTBOUND_REFUSED",
    );
  }
  expect(served).toBe(0);
});

test("a name with a public and a private address is called at the public one only", async () => {
  const lookup = guardedLookup(STRICT, names(["127.0.0.1", "8.8.8.8"]));
  const found = await new Promise((resolve) => {
    lookup("api.example.com", { all: true }, (error, addresses) => resolve(error ?? addresses));
  });
  expect(found).toEqual([{ address: "8.8.8.8", family: 4 }]);
});

test("allowed: by allowPrivate, and by a name of one's own network that the operator wrote", async () => {
  expect(await call("api.example.com", { allowPrivate: true }, ["127.0.0.1"])).toBe(302);
  expect(await call("localhost", { ...STRICT, explicitHost: "localhost" }, ["127.0.0.1"])).toBe(302);
  expect(await call("ollama", { ...STRICT, explicitHost: "ollama" }, ["127.0.0.1"])).toBe(302);
  expect(await call("ollama", { ...STRICT, explicitHost: "other" }, ["127.0.0.1"])).toBe("OUTBOUND_REFUSED");
  expect(await call("metadata.google.internal", { allowPrivate: true }, ["169.254.169.254"])).toBe("OUTBOUND_REFUSED");
});

test("the address that was checked is the one that is called, however often the name changes its mind", async () => {
  served = 0;
  let asked = 0;
  const lookup = guardedLookup(STRICT, (_host, done) => {
    asked++;
    done(null, [{ address: asked === 1 ? "192.0.2.1" : "127.0.0.1", family: 4 }]);
  });
  // 192.0.2.1 is of a reserved range: refused, and the answer is kept, so the second look-up cannot sneak in.
  for (let round = 0; round < 2; round++) {
    const socket = connect({ host: "rebind.example.com", port, lookup });
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once("error", resolve));
    expect(error.code).toBe("OUTBOUND_REFUSED");
  }
  expect(asked).toBe(1);
  expect(served).toBe(0);
});
