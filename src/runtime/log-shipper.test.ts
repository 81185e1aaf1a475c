import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogShipper } from "./log-shipper.ts";

interface Push {
  streams: { stream: Record<string, string>; values: [string, string][] }[];
}

let server: Server;
let pushes: Push[];
let status: number;
let registry: Registry;
let shipper: LogShipper;
beforeEach(async () => {
  pushes = [];
  status = 204;
  registry = new Registry();
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => void (body += chunk));
    request.on("end", () => {
      if (status === 204) pushes.push(JSON.parse(body) as Push);
      expect(request.headers.authorization).toBe("Bearer key-1");
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  shipper = new LogShipper({ url, key: "key-1", service: "metrics", environment: "test", registry });
});
afterEach(async () => {
  await shipper.close();
  server.close();
});

const counter = async (name: string): Promise<number> =>
  (await registry.getSingleMetric(name)!.get()).values[0]?.value ?? 0;

test("lines leave by level, in order, with distinct timestamps", async () => {
  for (let index = 0; index < 3; index++) shipper.write(`{"level":"info","msg":"${index}"}\n`);
  shipper.write('{"level":"error","msg":"bad"}\n');
  await expect.poll(() => pushes.length, { timeout: 2_000 }).toBe(1);
  const [info, error] = pushes[0]!.streams;
  expect(info!.stream).toEqual({
    app: "gatewayz-stack",
    service: "metrics",
    level: "INFO",
    env: "test",
    environment: "test",
  });
  expect(info!.values.map(([, line]) => line)).toEqual([
    '{"level":"info","msg":"0"}',
    '{"level":"info","msg":"1"}',
    '{"level":"info","msg":"2"}',
  ]);
  expect(new Set(info!.values.map(([time]) => time)).size).toBe(3);
  expect(error!.stream["level"]).toBe("ERROR");
});

test("a peer that is down keeps lines waiting and gets them later", async () => {
  status = 503;
  shipper.write('{"level":"info","msg":"kept"}');
  await expect.poll(() => counter("gatewayz_log_shipper_failed_pushes_total"), { timeout: 3_000 }).toBeGreaterThan(0);
  status = 204;
  await expect
    .poll(() => pushes.flatMap(({ streams }) => streams.flatMap(({ values }) => values.map(([, line]) => line))), {
      timeout: 5_000,
    })
    .toEqual(['{"level":"info","msg":"kept"}']);
});

test("lines that the peer will never take are dropped and counted, not retried for ever", async () => {
  status = 400;
  shipper.write('{"level":"info","msg":"refused"}');
  await expect.poll(() => counter("gatewayz_log_shipper_dropped_lines_total"), { timeout: 2_000 }).toBe(1);
  expect(await counter("gatewayz_log_shipper_failed_pushes_total")).toBe(0);
});

test("the queue is bounded: the oldest go, and are counted", async () => {
  status = 503;
  for (let index = 0; index < 5_100; index++) shipper.write(`{"level":"info","msg":"${index}"}`);
  expect(await counter("gatewayz_log_shipper_dropped_lines_total")).toBeGreaterThanOrEqual(100);
});
