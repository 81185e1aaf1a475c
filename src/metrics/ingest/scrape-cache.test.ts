import { expect, test } from "vitest";
import { series } from "../testing.ts";
import { ScrapeCache } from "./scrape-cache.ts";

/** One scrape of these raw series: each is expected, found or added. */
function scrape(cache: ScrapeCache, raws: readonly string[]): string[] {
  cache.begin();
  const how = raws.map((raw) => {
    const bytes = Buffer.from(raw);
    if (cache.expected() !== undefined && bytes.equals(cache.expected()!)) {
      cache.takeExpected();
      return "expected";
    }
    if (cache.find(bytes, 0, bytes.length) !== undefined) return "found";
    const added = cache.add(bytes, 0, bytes.length, series(raw));
    added.liveNext = true;
    return "added";
  });
  return how;
}

test("after a change of order only the places around it are looked up", () => {
  const cache = new ScrapeCache();
  expect(scrape(cache, ["a", "b", "c", "d"])).toEqual(["added", "added", "added", "added"]);
  cache.commit();
  expect(scrape(cache, ["a", "b", "c", "d"])).toEqual(Array(4).fill("expected"));
  cache.commit();
  expect(scrape(cache, ["a", "x", "b", "d"])).toEqual(["expected", "added", "expected", "found"]);
  cache.commit();
  expect(scrape(cache, ["b", "d", "a"])).toEqual(["found", "expected", "found"]);
});

test("a body is not kept by the series that came with it", () => {
  const cache = new ScrapeCache();
  cache.begin();
  const body = Buffer.alloc(1024 * 1024, "a");
  const { raw } = cache.add(body, 0, 10, series("a"));
  expect(raw.buffer).not.toBe(body.buffer);
  expect(raw.buffer.byteLength).toBeLessThan(body.length);
});

test("series are forgotten with the scrape that lacks them; a failed scrape forgets nothing", () => {
  const cache = new ScrapeCache();
  scrape(cache, ["a", "b"]);
  cache.commit();
  scrape(cache, ["a"]);
  cache.abandon();
  expect(cache.live().map(({ labels }) => labels!.toString())).toEqual(["a", "b"]);
  scrape(cache, ["a"]);
  expect(cache.vanished().map(({ labels }) => labels!.toString())).toEqual(["b"]);
  cache.commit();
  expect(cache.size).toBe(1);
});

test("a series that is written in another way is not one that vanished", () => {
  const cache = new ScrapeCache();
  scrape(cache, ["a{x,y}"]);
  for (const one of cache.live()) one.ref = 7;
  cache.commit();
  for (const one of cache.live()) one.ref = 7;
  cache.begin();
  const other = cache.add(Buffer.from("a{y,x}"), 0, 6, series("a"));
  other.ref = 7;
  other.liveNext = true;
  expect(cache.vanished()).toEqual([]);
});

test("metadata follows the last scrape", () => {
  const cache = new ScrapeCache();
  cache.begin();
  cache.noteMetadata("a", "type", "counter");
  cache.noteMetadata("a", "help", "Help.");
  cache.noteMetadata("b", "type", "gauge");
  cache.commit();
  expect([...cache.metadata.keys()]).toEqual(["a", "b"]);
  cache.begin();
  cache.noteMetadata("a", "help", "Other.");
  cache.commit();
  expect([...cache.metadata]).toMatchObject([["a", { type: "counter", help: "Other." }]]);
});
