import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseJson } from "../runtime/body.ts";
import type { Access } from "./access.ts";
import { GrafanaError } from "./grafana-error.ts";

const PAGES = ["/", "/dashboards", "/d/:uid", "/d/:uid/:slug", "/explore", "/login"];

/** Scripts and data only from here; styles inline because charts position their parts by style attributes. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'";

/** The UI's pages and files, and the login form's target. */
export async function addPageRoutes(app: FastifyInstance, access: Access, webDir: string): Promise<void> {
  const indexFile = join(webDir, "index.html");
  if (!existsSync(indexFile)) throw new Error(`the web UI is not built: ${indexFile} is missing; run npm run build`);
  await app.register(fastifyStatic, {
    root: webDir,
    prefix: "/public/",
    index: false,
    dotfiles: "deny",
    immutable: true,
    maxAge: "1y",
    setHeaders: (reply) => void reply.header("x-content-type-options", "nosniff"),
  });

  for (const page of PAGES) {
    app.get(page, async (request, reply) => {
      const known = access.sessions.isValid(request.headers.cookie);
      if (!known && access.opensWithoutLogin) reply.header("set-cookie", access.sessions.cookie(isSecure(request)));
      else if (!known && page !== "/login")
        return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 302);
      // Read each time: an update replaces the page together with the hashed files it names.
      return sendIndex(reply, await readFile(indexFile));
    });
  }

  app.post("/login", async (request, reply) => {
    const { user, password } = credentials(request);
    access.checkPassword(user, password);
    reply.header("set-cookie", access.sessions.cookie(isSecure(request)));
    return { message: "Logged in", redirectUrl: "/" };
  });
  app.get("/logout", async (request, reply) => {
    reply.header("set-cookie", access.sessions.expiredCookie(isSecure(request)));
    return reply.redirect("/login", 302);
  });
}

function sendIndex(reply: FastifyReply, index: Buffer): FastifyReply {
  return reply
    .header("content-type", "text/html; charset=utf-8")
    .header("cache-control", "no-store")
    .header("content-security-policy", CONTENT_SECURITY_POLICY)
    .header("x-content-type-options", "nosniff")
    .header("referrer-policy", "same-origin")
    .send(index);
}

function isSecure(request: FastifyRequest): boolean {
  return request.protocol === "https";
}

function credentials(request: FastifyRequest): { user: string; password: string } {
  const body = parseJson((request.body as Buffer | undefined)?.toString("utf8") ?? "") as {
    user?: unknown;
    password?: unknown;
  } | null;
  if (typeof body?.user !== "string" || typeof body.password !== "string") {
    throw new GrafanaError(400, "bad login data");
  }
  return { user: body.user, password: body.password };
}
