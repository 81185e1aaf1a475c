import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import type { OpenApiDocument } from "./document.ts";
import { inferenceDescriptions } from "./inference-descriptions.ts";
import { apiPage } from "./page.ts";
import { UNDESCRIBED } from "./registry.ts";

let gateway: TestGateway;
let document: OpenApiDocument;

beforeAll(async () => {
  gateway = await startTestGateway({ gateway: { keys: { team: "gw_test_team_key_1" } } });
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as OpenApiDocument;
});
afterAll(() => gateway.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test("every registered route is described, and every description has its route", () => {
  const undescribed = operations().filter(({ operation }) => operation.summary === UNDESCRIBED);
  expect(undescribed.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  for (const { method, path } of inferenceDescriptions) {
    expect(document.paths[path]?.[method.toLowerCase()], `${method} ${path}`).toBeDefined();
  }
  expect(operations().length).toBeGreaterThan(inferenceDescriptions.length);
});

describe("the document is valid OpenAPI 3.1", () => {
  test("it has the members that 3.1 requires, and ids and tags that hang together", () => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "GatewayZ", version: expect.any(String) } });
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { path, operation } of operations()) {
      expect(path, "a path begins with a slash").toMatch(/^\//);
      expect(tags, path).toContain(operation.tags[0]);
      for (const requirement of operation.security) {
        for (const scheme of Object.keys(requirement)) {
          expect(Object.keys(document.components.securitySchemes)).toContain(scheme);
        }
      }
    }
  });

  test("path parameters are those of the path, required, and named once", () => {
    for (const { path, method, operation } of operations()) {
      const inTemplate = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name }) => name).sort(), `${method} ${path}`).toEqual(inTemplate.sort());
      expect(declared.every(({ required }) => required)).toBe(true);
      const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("every operation has a response, and every response a description or a reference", () => {
    for (const { path, operation } of operations()) {
      expect(
        Object.keys(operation.responses).filter((status) => status.startsWith("2")),
        path,
      ).toHaveLength(1);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^([1-5]\d\d|default)$/);
        expect(typeof (response.$ref ?? response.description)).toBe("string");
      }
    }
  });

  test("every reference leads somewhere, and every schema is JSON Schema", () => {
    const types = ["string", "number", "integer", "boolean", "array", "object", "null"];
    let schemas = 0;
    const walk = (value: unknown, at: string): void => {
      if (typeof value !== "object" || value === null) return;
      if (Array.isArray(value)) {
        for (const [index, entry] of value.entries()) walk(entry, `${at}/${index}`);
        return;
      }
      const { $ref, type, required } = value as { $ref?: unknown; type?: unknown; required?: unknown };
      if (typeof $ref === "string") {
        const target = $ref
          .replace("#/", "")
          .split("/")
          .reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], document);
        expect(target, `${at} refers to ${$ref}`).toBeDefined();
      }
      const isSchema = /\/(schema|schemas\/[^/]+|items|properties\/[^/]+|additionalProperties|(any|one)Of\/\d+)$/.test(
        at,
      );
      if (isSchema) schemas++;
      if (isSchema && type !== undefined) {
        for (const one of [type].flat()) expect(types, at).toContain(one);
        if (required !== undefined) expect(Array.isArray(required), at).toBe(true);
      }
      for (const [key, member] of Object.entries(value)) walk(member, `${at}/${key}`);
    };
    walk(document, "");
    expect(schemas).toBeGreaterThan(100);
  });
});

describe("keys", () => {
  const answered = (path: string, key?: string) =>
    fetch(`${gateway.url}${path}`, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }).then(
      async (response) => ({ status: response.status, body: await response.text() }),
    );

  test("each route without parameters asks for the key that the document says", async () => {
    const plain = operations().filter(({ path, method }) => method === "get" && !path.includes("{"));
    for (const { path, operation } of plain) {
      const { status } = await answered(path);
      const admin = operation.security.some((scheme) => "admin" in scheme);
      if (operation.security.length === 0) expect(status, path).not.toBe(401);
      else expect(status, path).toBe(401);
      const asTeam = await answered(path, "gw_test_team_key_1");
      if (admin) expect(asTeam.status, path).toBe(403);
      else expect([401, 403], path).not.toContain(asTeam.status);
    }
  });
});

describe("the page", () => {
  test("it shows every route, loads nothing and runs nothing", async () => {
    const response = await fetch(`${gateway.url}/docs`);
    const html = await response.text();
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const { operation } of operations()) expect(html).toContain(`id="${operation.operationId}"`);
    expect(html).not.toMatch(/<script|\son\w+=|src=|<link/i);
  });

  test("text of a description cannot become markup", () => {
    const evil = { ...document, info: { ...document.info, title: '<img src=x onerror="1">' } };
    expect(apiPage(evil)).not.toContain("<img");
  });
});

describe("validation", () => {
  const withKey = (path: string, init: RequestInit = {}) =>
    fetch(`${gateway.url}${path}`, { ...init, headers: { authorization: `Bearer ${TEST_ADMIN_KEY}` } });

  const wrong = [
    { query: "limit=many", reason: /"limit" is not valid: invalid input: expected number/ },
    { query: "limit=0", reason: /"limit" is not valid: too small: expected number to be >=1/ },
    { query: "limit=1001", reason: /"limit" is not valid: too big: expected number to be <=1000/ },
    { query: "limit=1.5", reason: /"limit" is not valid: invalid input: expected int/ },
  ];
  for (const { query, reason } of wrong) {
    test(`GET /v1/models?${query} is a 400 that names the parameter`, async () => {
      const response = await withKey(`/v1/models?${query}`);
      expect(response.status).toBe(400);
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      expect(error).toMatchObject({ type: "invalid_request_error", param: "limit", gateway_code: "INVALID_REQUEST" });
      expect(error["message"]).toMatch(reason);
    });
  }
});
