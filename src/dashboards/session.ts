import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SESSION_COOKIE = "gatewayz_session";
const SESSION_MS = 7 * 24 * 3_600_000; // 7 days
const SECRET_BYTES = 32;

/**
 * Sessions that need no table: the cookie is an expiry time and its HMAC. The key lies in the role's folder (mode
 * 0600), so that people stay logged in over a restart; deleting the file logs everybody out.
 */
export class Sessions {
  readonly #secret: Buffer;
  readonly #now: () => number;

  constructor(dataDir: string, now: () => number = Date.now) {
    this.#secret = readOrCreate(join(dataDir, "session-secret"));
    this.#now = now;
  }

  /** A `Set-Cookie` value for a new session. */
  cookie(secure: boolean): string {
    const expires = String(this.#now() + SESSION_MS);
    return attributes(`${expires}.${this.#sign(expires)}`, SESSION_MS / 1000, secure);
  }

  /** A `Set-Cookie` value that ends the session in the browser. */
  expiredCookie(secure: boolean): string {
    return attributes("", 0, secure);
  }

  /** True where the request's `Cookie` header holds a session that we signed and that has not run out. */
  isValid(cookieHeader: string | undefined): boolean {
    const value = cookieValue(cookieHeader ?? "", SESSION_COOKIE);
    const dot = value?.indexOf(".") ?? -1;
    if (value === undefined || dot < 0) return false;
    const expires = value.slice(0, dot);
    const expected = Buffer.from(this.#sign(expires));
    const presented = Buffer.from(value.slice(dot + 1));
    if (expected.length !== presented.length || !timingSafeEqual(expected, presented)) return false;
    return Number(expires) > this.#now();
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#secret).update(text).digest("base64url");
  }
}

function attributes(value: string, maxAgeSeconds: number, secure: boolean): string {
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? "; Secure" : ""}`;
}

function cookieValue(header: string, name: string): string | undefined {
  for (const part of header.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}

function readOrCreate(path: string): Buffer {
  try {
    const stored = readFileSync(path);
    if (stored.length === SECRET_BYTES) return stored;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = randomBytes(SECRET_BYTES);
  writeFileSync(path, secret, { mode: 0o600 });
  return secret;
}
