import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";

export interface CallAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a reply of any route; each test says what it expects of it.
  readonly body: any;
}

/** Calls any route of the gateway at `url()` with JSON and a key, the admin's unless told otherwise. */
export function callerOf(url: () => string) {
  return async (method: string, path: string, body?: unknown, key = TEST_ADMIN_KEY): Promise<CallAnswer> => {
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
}
