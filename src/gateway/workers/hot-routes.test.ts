import { expect, test } from "vitest";
import { isHot } from "./hot-routes.ts";

test("a worker answers what asks a model, whatever its query; everything else is the primary's", () => {
  expect(isHot("POST", "/v1/chat/completions")).toBe(true);
  expect(isHot("POST", "/v1/messages?beta=true")).toBe(true);
  expect(isHot("GET", "/v1/chat/completions")).toBe(false);
  expect(isHot("GET", "/v1/models")).toBe(false);
  expect(isHot("POST", "/admin/keys")).toBe(false);
  expect(isHot("POST", "/v1/responses/resp_1/cancel")).toBe(false);
  expect(isHot("POST", "/v1/chat/completions/")).toBe(false);
});
