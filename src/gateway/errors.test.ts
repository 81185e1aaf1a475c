import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HttpError } from "../runtime/http-error.ts";
import { gatewayErrors } from "./error-catalogue.ts";
import { errorBody, GatewayError, toGatewayError } from "./errors.ts";

test("the catalogue and docs/reference/errors.md say the same, both ways", () => {
  const page = readFileSync(new URL("../../docs/reference/errors.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => /^\| [A-Z_]+ +\|/.test(line));
  const documented = rows.map((row) =>
    row
      .split("|")
      .slice(1, 6)
      .map((cell) => cell.trim())
      .join(" | "),
  );
  const declared = Object.entries(gatewayErrors).map(([code, { status, openai, anthropic }]) => {
    return [code, status, openai[0], openai[1] ?? "null", anthropic].join(" | ");
  });
  expect(documented).toEqual(declared);
});

test("bodies in both dialects", () => {
  const error = new GatewayError("MODEL_NOT_FOUND", { model: 'a"b' }, { param: "model" });
  expect(errorBody(error, "openai", "req_1")).toEqual({
    error: {
      message: 'Model "a\\"b" is not served here. List models with GET /v1/models.',
      type: "invalid_request_error",
      param: "model",
      code: "model_not_found",
      gateway_code: "MODEL_NOT_FOUND",
      request_id: "req_1",
    },
  });
  expect(errorBody(error, "anthropic", "req_1")).toEqual({
    type: "error",
    error: { type: "not_found_error", message: error.message, gateway_code: "MODEL_NOT_FOUND" },
    request_id: "req_1",
  });
});

test.each([
  [new HttpError(413, "too large"), "REQUEST_TOO_LARGE"],
  [new HttpError(400, "invalid JSON: oops"), "INVALID_JSON"],
  [new HttpError(415, "unsupported content encoding"), "UNSUPPORTED_MEDIA_TYPE"],
  [Object.assign(new Error("x"), { statusCode: 413 }), "REQUEST_TOO_LARGE"],
  [new TypeError("secret internals"), "INTERNAL_ERROR"],
  ["a string", "INTERNAL_ERROR"],
])("anything thrown becomes an error of the catalogue: %s", (thrown, code) => {
  const error = toGatewayError(thrown, 100);
  expect(error.code).toBe(code);
  expect(error.message).not.toContain("secret");
});
