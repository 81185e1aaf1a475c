import fc from "fast-check";
import { expect, test } from "vitest";
import { SSE_EVENT_BYTES_MAX } from "../limits.ts";
import { eventData, SseSplitter } from "./sse-splitter.ts";

function split(pieces: readonly Buffer[]): string[] {
  const events: string[] = [];
  const splitter = new SseSplitter();
  for (const piece of pieces) splitter.push(piece, (event) => void events.push(event.toString("utf8")));
  return events;
}

test.each([
  { name: "LF", text: "data: a\n\ndata: b\n\n", events: ["data: a\n\n", "data: b\n\n"] },
  { name: "CRLF", text: "data: a\r\n\r\ndata: b\r\n\r\n", events: ["data: a\r\n\r\n", "data: b\r\n\r\n"] },
  { name: "event name and data", text: "event: x\ndata: a\n\n", events: ["event: x\ndata: a\n\n"] },
  { name: "an unfinished end is kept back", text: "data: a\n\ndata: b\n", events: ["data: a\n\n"] },
])("events are cut at blank lines: $name", ({ text, events }) => {
  expect(split([Buffer.from(text)])).toEqual(events);
});

test.each([
  { event: "data: a\n\n", data: "a" },
  { event: "data:a\n\n", data: "a" },
  { event: "event: x\r\ndata: a\r\ndata: b\r\n\r\n", data: "a\nb" },
  { event: ": comment\n\n", data: undefined },
  { event: "id: 1\nretry: 5\n\n", data: undefined },
])("data of $event", ({ event, data }) => {
  expect(eventData(Buffer.from(event))).toBe(data);
});

test("however the bytes are cut, the events are the same", () => {
  const eventText = fc.stringMatching(/^[a-zäß漢\r ]{0,12}$/).map((text) => `data: ${text.replaceAll("\r", "")}`);
  const ends = fc.constantFrom("\n\n", "\r\n\r\n");
  const stream = fc
    .array(fc.tuple(eventText, ends), { maxLength: 8 })
    .map((events) => events.map((pair) => pair.join("")).join(""));
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200), { maxLength: 20 }), (text, cuts) => {
      const bytes = Buffer.from(text);
      const offsets = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = offsets.slice(1).map((end, index) => bytes.subarray(offsets[index], end));
      expect(split(pieces)).toEqual(split([bytes]));
    }),
  );
});

test("one long event in many small chunks is cut out in linear time, and too long is too long", () => {
  const splitter = new SseSplitter();
  const piece = Buffer.alloc(512, "x");
  const startMs = performance.now();
  for (let bytes = 0; bytes < 4 * 1024 * 1024; bytes += piece.length) splitter.push(piece, () => expect.unreachable());
  // Copying the whole for every piece would be 17 GB.
  expect(performance.now() - startMs).toBeLessThan(1_500);
  const events: number[] = [];
  expect(splitter.push(Buffer.from("\n\ndata: b\n\nda"), (event) => void events.push(event.length))).toBe(true);
  expect(events).toEqual([4 * 1024 * 1024 + 2, 9]);
  expect(splitter.restText).toBe("da");
  expect(splitter.push(Buffer.alloc(SSE_EVENT_BYTES_MAX, "x"), () => expect.unreachable())).toBe(false);
});
