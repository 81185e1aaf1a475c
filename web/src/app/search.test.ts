import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSearch, searchText, stringifySearch } from "./search.ts";

test("repeated keys are lists; single ones stay text", () => {
  const search = parseSearch("?var-a=x&var-a=y&from=now-5m");
  expect(search).toEqual({ "var-a": ["x", "y"], from: "now-5m" });
  expect([searchText(search, "var-a"), searchText(search, "from"), searchText(search, "no")]).toEqual([
    "x",
    "now-5m",
    undefined,
  ]);
  expect(stringifySearch({ ...search, gone: undefined })).toBe("?var-a=x&var-a=y&from=now-5m");
  expect(stringifySearch({})).toBe("");
});

test("what is written is read back", () => {
  const value = fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2, maxLength: 4 }));
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
        value,
      ),
      (search) => {
        expect(parseSearch(stringifySearch(search))).toEqual(search);
      },
    ),
  );
});
