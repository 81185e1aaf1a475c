import { Registry } from "prom-client";
import { compressSync } from "snappy";
import { beforeEach, describe, expect, test } from "vitest";
import type { HttpError } from "../../runtime/http-error.ts";
import { createLogger } from "../../runtime/logger.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { RecordingStore } from "../testing.ts";
import { RemoteWriteReceiver } from "./remote-write.ts";
import { bytesField, doubleField, STALE_BYTES, varintField, writeRequest, zigzagField } from "./testing-write.ts";

const HEADERS = { contentType: "application/x-protobuf", contentEncoding: "snappy" };
const UP: [string, string][] = [
  ["__name__", "up"],
  ["job", "x"],
];

let store: RecordingStore;
let receiver: RemoteWriteReceiver;

beforeEach(() => {
  store = new RecordingStore();
  const logger = createLogger("metrics", "error", { write: () => undefined });
  receiver = new RemoteWriteReceiver(store.appender, new Registry(), logger);
});

function write(request: Buffer, headers = HEADERS): Promise<void> {
  return receiver.write(compressSync(request) as Buffer, headers);
}

async function refusal(promise: Promise<void>): Promise<{ status: number; message: string }> {
  const error = await promise.then(
    () => undefined,
    (thrown: HttpError) => thrown,
  );
  return { status: error!.status, message: error!.message };
}

describe("a write request", () => {
  test("brings samples, staleness markers, exemplars, histograms and metadata", async () => {
    const histogram = Buffer.concat([
      varintField(1, 6),
      doubleField(3, 10.5),
      zigzagField(4, 0),
      doubleField(5, 0.001),
      varintField(6, 1),
      bytesField(11, Buffer.concat([zigzagField(1, -1), varintField(2, 2)])),
      // Deltas +2, +1, packed: counts 2 and 3.
      bytesField(12, Buffer.from([4, 2])),
      varintField(15, 3_000),
    ]);
    const metadata = Buffer.concat([varintField(1, 1), bytesField(2, "up"), bytesField(4, "Help."), bytesField(5, "")]);
    await write(
      writeRequest(
        [
          {
            labels: UP,
            samples: [
              [1.5, 1_000],
              [STALE_BYTES, 2_000],
            ],
            exemplars: [{ labels: [["trace_id", "abc"]], value: 0.5, timestampMs: 1_000 }],
          },
          {
            labels: [
              ["z", "1"],
              ["__name__", "h"],
              ["empty", ""],
            ],
            histograms: [histogram],
          },
        ],
        [metadata],
      ),
    );
    expect(store.take(/^$/)).toEqual([
      'up{job="x"} 1.5 @1000',
      'up{job="x"} stale @2000',
      'h{z="1"} histogram of 6 @3000',
    ]);
    expect(store.exemplars[0]).toMatchObject({ series: 'up{job="x"}', exemplar: { value: 0.5, timestampMs: 1_000 } });
    expect(receiver.metadata.get("up")).toEqual({ type: "counter", help: "Help.", unit: "" });
  });

  test("keeps the good samples and answers 400 for the others, with Prometheus' texts", async () => {
    const request = writeRequest([
      {
        labels: UP,
        samples: [
          [1, 2_000],
          [2, 1_000],
          [3, 3_000],
        ],
      },
      { labels: UP, samples: [[9, Date.now() + 3_600_000]] },
      { labels: [["job", "x"]], samples: [[1, 1]] },
      { labels: [...UP, ["job", "y"]], samples: [[1, 1]] },
    ]);
    const { status, message } = await refusal(write(request));
    expect(status).toBe(400);
    expect(message).toBe('out of order sample for series up{job="x"} (4 of 6 samples refused, the others kept)');
    expect(store.take(/^$/)).toEqual(['up{job="x"} 1 @2000', 'up{job="x"} 3 @3000']);
  });

  const bad: { name: string; run: () => Promise<void>; status: number; message: string }[] = [
    {
      name: "no name",
      run: () => write(writeRequest([{ labels: [["job", "x"]], samples: [[1, 1]] }])),
      status: 400,
      message: 'invalid metric name or labels, got {job="x"}',
    },
    {
      name: "a sample from the future",
      run: () => write(writeRequest([{ labels: UP, samples: [[1, Date.now() + 3_600_000]] }])),
      status: 400,
      message: "out of bounds",
    },
    {
      name: "a histogram whose spans do not fit",
      run: () => {
        const histogram = bytesField(11, varintField(2, 3));
        return write(writeRequest([{ labels: UP, histograms: [histogram] }]));
      },
      status: 400,
      message: "positive side: spans need 3 buckets, have 0 buckets",
    },
    {
      name: "bytes that are no message",
      run: () => write(Buffer.from([0xff, 0xff])),
      status: 400,
      message: "unexpected EOF",
    },
    {
      name: "a message that ends early",
      run: () => write(writeRequest([{ labels: UP }]).subarray(0, 8)),
      status: 400,
      message: "unexpected EOF",
    },
    {
      name: "a label that is no UTF-8",
      run: () => write(bytesField(1, bytesField(1, bytesField(2, Buffer.from([0xff]))))),
      status: 400,
      message: "invalid UTF-8",
    },
    {
      name: "no snappy",
      run: () => receiver.write(Buffer.from("hello"), HEADERS),
      status: 400,
      message: "snappy: corrupt input",
    },
    {
      name: "a length claim of 4 GB",
      run: () => receiver.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]), HEADERS),
      status: 413,
      message: "larger than",
    },
    {
      name: "another compression",
      run: () => write(Buffer.alloc(0), { ...HEADERS, contentEncoding: "gzip" }),
      status: 415,
      message: "only snappy is acceptable",
    },
    {
      name: "another media type",
      run: () => write(Buffer.alloc(0), { ...HEADERS, contentType: "application/json" }),
      status: 415,
      message: "expected application/x-protobuf",
    },
    {
      name: "remote write 2.0",
      run: () => {
        return write(Buffer.alloc(0), {
          ...HEADERS,
          contentType: "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        });
      },
      status: 415,
      message: "only accepts prometheus.WriteRequest",
    },
  ];
  for (const { name, run, status, message } of bad) {
    test(`${name}: ${status}`, async () => {
      const answer = await refusal(run());
      expect(answer.status).toBe(status);
      expect(answer.message).toContain(message);
      expect(store.take(/^$/)).toEqual([]);
    });
  }

  test("503 with a hint to retry when the disk is full", async () => {
    store.commitError = new StorageError("STORAGE_FULL", "no space left on device");
    const error = await write(writeRequest([{ labels: UP, samples: [[1, 1]] }])).catch((thrown: HttpError) => thrown);
    expect(error).toMatchObject({ status: 503, retryAfterSeconds: 5, message: "no space left on device" });
  });
});
