import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { parseJson } from "../runtime/body.ts";
import type { Access } from "./access.ts";
import { ADMIN_USER } from "./access.ts";
import type { DashboardModel, DashboardStore, StoredDashboard } from "./dashboard-store.ts";
import { GrafanaError } from "./grafana-error.ts";

const SEARCH_LIMIT_DEFAULT = 1_000;
const SEARCH_LIMIT_MAX = 5_000;
/** Grafana's own limit on uids. */
const UID_LENGTH_MAX = 40;

/** `/api/search`, `/api/dashboards/*`, `/api/folders` in the shapes of Grafana's HTTP API. */
export function addDashboardRoutes(app: FastifyInstance, access: Access, store: DashboardStore): void {
  app.get("/api/search", async (request) => {
    access.requireUser(request);
    return search(store, request.query as Record<string, string | string[] | undefined>);
  });

  app.get<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request) => {
    access.requireUser(request);
    return { meta: meta(found(store, request.params.uid)), dashboard: modelJson(found(store, request.params.uid)) };
  });

  app.post("/api/dashboards/db", async (request) => {
    access.requireUser(request);
    const saved = await store.save(validated(store, jsonBody(request)));
    const { uid, version } = saved.model;
    return {
      id: saved.id,
      uid,
      url: urlOf(saved.model),
      status: "success",
      version,
      slug: slug(saved.model.title),
      folderUid: "",
    };
  });

  app.delete<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request) => {
    access.requireUser(request);
    const dashboard = found(store, request.params.uid);
    if (dashboard.provisioned) throw new GrafanaError(400, "provisioned dashboard cannot be deleted");
    await store.delete(dashboard.model.uid);
    return { id: dashboard.id, title: dashboard.model.title, message: `Dashboard ${dashboard.model.title} deleted` };
  });

  app.get("/api/folders", async (request) => {
    access.requireUser(request);
    return [];
  });

  app.get("/api/dashboards/tags", async (request) => {
    access.requireUser(request);
    const counts = new Map<string, number>();
    for (const tag of store.list().flatMap(({ model }) => tagsOf(model))) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].map(([term, count]) => ({ term, count }));
  });
}

function search(store: DashboardStore, query: Record<string, string | string[] | undefined>): object[] {
  const text = String(query["query"] ?? "").toLowerCase();
  const tags = [query["tag"] ?? []].flat();
  const uids = [query["dashboardUIDs"] ?? query["dashboardUIDs[]"] ?? []].flat().flatMap((value) => value.split(","));
  if (query["type"] === "dash-folder") return [];
  const limit = Math.min(Number(query["limit"] ?? SEARCH_LIMIT_DEFAULT) || SEARCH_LIMIT_DEFAULT, SEARCH_LIMIT_MAX);
  return store
    .list()
    .filter(({ model }) => model.title.toLowerCase().includes(text))
    .filter(({ model }) => tags.every((tag) => tagsOf(model).includes(tag)))
    .filter(({ model }) => uids.length === 0 || uids.includes(model.uid))
    .slice(0, limit)
    .map(({ id, model, folder }) => ({
      id,
      uid: model.uid,
      orgId: 1,
      title: model.title,
      uri: `db/${slug(model.title)}`,
      url: urlOf(model),
      slug: "",
      type: "dash-db",
      tags: tagsOf(model),
      isStarred: false,
      folderTitle: folder,
      sortMeta: 0,
    }));
}

function found(store: DashboardStore, uid: string): StoredDashboard {
  const dashboard = store.get(uid);
  if (dashboard === undefined) throw new GrafanaError(404, "Dashboard not found", "dashboards.not-found", "not-found");
  return dashboard;
}

function jsonBody(request: FastifyRequest): Record<string, unknown> {
  const body = request.body as Buffer | undefined;
  const parsed = parseJson(body === undefined ? "" : body.toString("utf8"));
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new GrafanaError(400, "bad request data");
  return parsed as Record<string, unknown>;
}

/** The model to save, with uid and version set; refusals are Grafana's own. */
function validated(store: DashboardStore, body: Record<string, unknown>): DashboardModel {
  const model = body["dashboard"];
  if (typeof model !== "object" || model === null || Array.isArray(model))
    throw new GrafanaError(400, "bad request data");
  const given = model as Record<string, unknown>;
  const title = given["title"];
  if (typeof title !== "string" || title.trim() === "")
    throw new GrafanaError(400, "Dashboard title cannot be empty", "", "empty-name");
  const uid = given["uid"] === undefined || given["uid"] === null || given["uid"] === "" ? newUid() : given["uid"];
  if (typeof uid !== "string" || uid.length > UID_LENGTH_MAX) {
    throw new GrafanaError(400, `uid too long, max ${UID_LENGTH_MAX} characters`);
  }
  if (!/^[a-zA-Z0-9_-]+$/.test(uid)) throw new GrafanaError(400, "uid contains illegal characters");
  const existing = store.get(uid);
  if (existing?.provisioned) throw new GrafanaError(400, "Cannot save provisioned dashboard");
  const storedVersion = Number(existing?.model.version ?? 0);
  if (existing !== undefined && body["overwrite"] !== true && Number(given["version"] ?? 0) !== storedVersion) {
    throw new GrafanaError(412, "The dashboard has been changed by someone else", "", "version-mismatch");
  }
  return { ...given, uid, title, version: storedVersion + 1 };
}

function newUid(): string {
  return randomBytes(10).toString("base64url").replace(/[_-]/g, "x");
}

function modelJson(dashboard: StoredDashboard): object {
  return { ...dashboard.model, id: dashboard.id };
}

function meta({ model, provisioned, created, updated, folder }: StoredDashboard): object {
  return {
    type: "db",
    canSave: !provisioned,
    canEdit: true,
    canAdmin: true,
    canStar: false,
    canDelete: !provisioned,
    slug: slug(model.title),
    url: urlOf(model),
    expires: "0001-01-01T00:00:00Z",
    created: created.toISOString(),
    updated: updated.toISOString(),
    updatedBy: ADMIN_USER,
    createdBy: ADMIN_USER,
    version: Number(model.version ?? 1),
    hasAcl: false,
    isFolder: false,
    folderId: 0,
    folderUid: "",
    folderTitle: folder,
    folderUrl: "",
    provisioned,
    provisionedExternalId: "",
  };
}

function tagsOf(model: DashboardModel): string[] {
  return Array.isArray(model.tags) ? model.tags.filter((tag) => typeof tag === "string") : [];
}

function urlOf(model: DashboardModel): string {
  return `/d/${encodeURIComponent(model.uid)}/${slug(model.title)}`;
}

/** Grafana's address form of a title: lower case, everything but letters and digits as single hyphens. */
function slug(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "") || "dashboard"
  );
}
