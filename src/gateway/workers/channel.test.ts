import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import { Channel, type Handler } from "./channel.ts";

const unheard = (operation: string, error: Error): void => {
  throw new Error(`${operation}: ${error.message}`);
};

/** Two channels that hear each other, through JSON as IPC does it. */
function pair(handlers: Readonly<Record<string, Handler>>): {
  asker: Channel;
  messages: unknown[];
  failures: string[];
} {
  const messages: unknown[] = [];
  const failures: string[] = [];
  const asker: Channel = new Channel(
    {
      send: (message) => {
        messages.push(message);
        setImmediate(() => answerer.receive(JSON.parse(JSON.stringify(message))));
      },
    },
    {},
    unheard,
  );
  const answerer = new Channel(
    { send: (message) => setImmediate(() => asker.receive(JSON.parse(JSON.stringify(message)))) },
    handlers,
    (operation, error) => failures.push(`${operation}: ${error.message}`),
  );
  return { asker, messages, failures };
}

test("questions of one turn leave in one message and get their own answers, whatever the order", async () => {
  const { asker, messages } = pair({
    double: async (value: number) => {
      if (value === 1) await new Promise((resolve) => setTimeout(resolve, 10));
      return value * 2;
    },
  });
  expect(await Promise.all([1, 2, 3].map((value) => asker.ask<number>("double", value)))).toEqual([2, 4, 6]);
  expect(messages).toHaveLength(1);
});

test("an error of the catalogue arrives as it was thrown, with its headers; another one with its message", async () => {
  const original = new GatewayError(
    "RATE_LIMIT_EXCEEDED",
    { limit: 5, window: "minute", retryAfterSeconds: 7 },
    { retryAfterSeconds: 7, headers: { "x-ratelimit-scope": "key" } },
  );
  const { asker } = pair({
    refuse: () => {
      throw original;
    },
    fail: () => {
      throw new Error("out of order");
    },
  });
  const error = await asker.ask("refuse", null).catch((thrown: unknown) => thrown as GatewayError);
  expect(error).toBeInstanceOf(GatewayError);
  expect(error).toMatchObject({
    code: original.code,
    message: original.message,
    status: original.status,
    headers: original.headers,
    retryAfterSeconds: 7,
  });
  await expect(asker.ask("fail", null)).rejects.toThrow("out of order");
  await expect(asker.ask("unknown", null)).rejects.toThrow("no such operation");
});

test("when the other side has gone, open questions fail and new ones are refused at once", async () => {
  const { asker } = pair({ never: () => new Promise(() => undefined) });
  const open = asker.ask("never", null);
  asker.close("the worker has gone");
  await expect(open).rejects.toThrow("the worker has gone");
  await expect(asker.ask("never", null)).rejects.toThrow("the worker has gone");
  asker.tell("never", null); // Nobody hears it, nothing throws.
});

test("news that cannot be taken in is reported on the side that heard it", async () => {
  const { asker, failures } = pair({
    fail: async () => {
      throw new Error("no room");
    },
  });
  asker.tell("fail", 1);
  await expect.poll(() => failures).toEqual(["fail: no room"]);
});

test("a wire that throws counts as gone", async () => {
  const broken = new Channel(
    {
      send: () => {
        throw new Error("EPIPE");
      },
    },
    {},
    unheard,
  );
  await expect(broken.ask("anything", null)).rejects.toThrow("EPIPE");
});
