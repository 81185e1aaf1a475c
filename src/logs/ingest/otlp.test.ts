import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { HttpError } from "../../runtime/http-error.ts";
import { otlpToStreams } from "./otlp.ts";
import { readOtlpJson } from "./otlp-json.ts";
import { readOtlpProto } from "./otlp-proto.ts";

const schema = protobuf
  .parse(`
  syntax = "proto3";
  message Request { repeated ResourceLogs resourceLogs = 1; }
  message ResourceLogs { Resource resource = 1; repeated ScopeLogs scopeLogs = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeLogs { Scope scope = 1; repeated LogRecord logRecords = 2; }
  message Scope { string name = 1; string version = 2; }
  message LogRecord {
    fixed64 timeUnixNano = 1; int32 severityNumber = 2; string severityText = 3; AnyValue body = 5;
    repeated KeyValue attributes = 6; uint32 dropped = 7; fixed32 flags = 8; bytes traceId = 9; bytes spanId = 10;
    fixed64 observedTimeUnixNano = 11;
  }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; ArrayValue arrayValue = 5; KeyValueList kvlistValue = 6; bytes bytesValue = 7; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`)
  .root.lookupType("Request");

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const attribute = (key: string, value: object) => ({ key, value });
const request = {
  resourceLogs: [
    {
      resource: {
        attributes: [attribute("service.name", { stringValue: "api" }), attribute("host.cpus", { intValue: "4" })],
      },
      scopeLogs: [
        {
          scope: { name: "lib", version: "1.2" },
          logRecords: [
            {
              timeUnixNano: "1795000000000000042",
              severityNumber: 9,
              severityText: "INFO",
              body: { stringValue: "hello" },
              attributes: [
                attribute("http.status", { intValue: "200" }),
                attribute("ok", { boolValue: true }),
                attribute("map", { kvlistValue: { values: [attribute("a b", { doubleValue: 1.5 })] } }),
                attribute("list", { arrayValue: { values: [{ stringValue: "x" }, { intValue: "1" }] } }),
              ],
              traceId: TRACE_ID,
              spanId: "b7ad6b7169203331",
            },
            { body: { kvlistValue: { values: [attribute("k", { stringValue: "v" })] } } },
          ],
        },
      ],
    },
  ],
};
const expected = [
  {
    labels: { service_name: "api" },
    entries: [
      {
        timestampMs: 1_795_000_000_000,
        subMsNs: 42,
        line: "hello",
        metadata: [
          "host_cpus",
          "4",
          "scope_name",
          "lib",
          "scope_version",
          "1.2",
          "http_status",
          "200",
          "ok",
          "true",
          "map_a_b",
          "1.5",
          "list",
          '["x",1]',
          "severity_number",
          "9",
          "severity_text",
          "INFO",
          "trace_id",
          TRACE_ID,
          "span_id",
          "b7ad6b7169203331",
        ],
      },
      {
        timestampMs: 7,
        subMsNs: 0,
        line: '{"k":"v"}',
        metadata: ["host_cpus", "4", "scope_name", "lib", "scope_version", "1.2"],
      },
    ],
  },
];

function shown(streams: ReturnType<typeof otlpToStreams>): unknown {
  return streams.map(({ labels, entries }) => ({
    labels: { ...labels.toRecord() },
    entries: entries.map((entry) => ({ ...entry, line: Buffer.from(entry.line).toString() })),
  }));
}

test("OTLP/JSON becomes streams, lines and structured metadata", () => {
  expect(shown(otlpToStreams(readOtlpJson(Buffer.from(JSON.stringify(request))), 7))).toEqual(expected);
});

test("OTLP protobuf gives the same", () => {
  const [resourceLogs] = structuredClone(request).resourceLogs;
  const record = resourceLogs!.scopeLogs[0]!.logRecords[0] as Record<string, unknown>;
  record["traceId"] = Buffer.from(TRACE_ID, "hex");
  record["spanId"] = Buffer.from("b7ad6b7169203331", "hex");
  const bytes = schema.encode(schema.fromObject({ resourceLogs: [resourceLogs] })).finish();
  expect(shown(otlpToStreams(readOtlpProto(Buffer.from(bytes)), 7))).toEqual(expected);
});

test("a resource without a name still makes a stream", () => {
  const [stream] = otlpToStreams(
    [
      {
        resource: [],
        scopeName: "",
        scopeVersion: "",
        records: [
          {
            timeNs: 1n,
            observedNs: 0n,
            severityNumber: 0,
            severityText: "",
            body: "x",
            attributes: [],
            traceId: "",
            spanId: "",
          },
        ],
      },
    ],
    0,
  );
  expect(stream!.labels.toRecord()).toEqual({ service_name: "unknown_service" });
});

test("fuzz: any bytes or JSON give streams or HTTP 400", () => {
  const check = (action: () => unknown): void => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(HttpError);
    }
  };
  const pieces = fc.array(
    fc.constantFrom("0a", "12", "2a", "32", "3a", "09", "04", "08", "ff", "00", "0102030405060708"),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(pieces, fc.json(), (hex, json) => {
      check(() => readOtlpProto(Buffer.from(hex.join(""), "hex")));
      check(() =>
        readOtlpJson(Buffer.from(`{"resourceLogs":[{"resource":${json},"scopeLogs":[{"logRecords":[${json}]}]}]}`)),
      );
    }),
    { numRuns: 1_500, seed: 5 },
  );
});
