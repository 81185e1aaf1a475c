import { mkdirSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseJson } from "../runtime/body.ts";
import type { Logger } from "../runtime/logger.ts";

/** A dashboard file larger than this is no dashboard. */
const FILE_BYTES_MAX = 8 * 1024 * 1024; // 8 MiB
const DASHBOARDS_MAX = 2_000;
const FOLDER_DEPTH_MAX = 8;
/** Hidden folders (a mounted ConfigMap keeps its versions in `..2024_…`) and packages hold no dashboards of their own. */
const SKIPPED_FOLDERS = /^\.|^node_modules$/;
/** How often the provisioned folders are read again; a new file shows within this time. */
const RESCAN_MS = 5_000;

/** Grafana's JSON; only what the server itself reads is typed. */
export interface DashboardModel extends Record<string, unknown> {
  uid: string;
  title: string;
  tags?: string[];
  version?: number;
}

export interface StoredDashboard {
  readonly id: number;
  readonly model: DashboardModel;
  readonly folder: string;
  /** True for a file in a provisioned folder, which the API does not overwrite. */
  readonly provisioned: boolean;
  readonly created: Date;
  readonly updated: Date;
}

export interface DashboardFolder {
  readonly path: string;
  readonly title: string;
}

interface ScannedFile {
  readonly path: string;
  readonly mtimeMs: number;
  readonly size: number;
  readonly dashboard: StoredDashboard | undefined;
}

/**
 * Dashboards from provisioned folders (read only, watched by reading them again) and those saved through the API
 * (one file each under the role's folder). A saved dashboard hides a provisioned one of the same uid never: such a
 * save is refused, as Grafana does.
 */
export class DashboardStore {
  readonly #folders: readonly DashboardFolder[];
  readonly #savedDir: string;
  readonly #logger: Logger;
  #provisioned = new Map<string, ScannedFile>();
  readonly #saved = new Map<string, StoredDashboard>();
  readonly #ids = new Map<string, number>();
  readonly #unreadable = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(folders: readonly DashboardFolder[], dataDir: string, logger: Logger) {
    this.#folders = folders;
    this.#savedDir = join(dataDir, "dashboards");
    this.#logger = logger;
  }

  async open(): Promise<void> {
    mkdirSync(this.#savedDir, { recursive: true, mode: 0o700 });
    for (const path of await jsonFiles(this.#savedDir)) {
      const scanned = await this.#readFile(path, "General", false);
      if (scanned.dashboard !== undefined) this.#saved.set(scanned.dashboard.model.uid, scanned.dashboard);
    }
    await this.#rescan();
    this.#timer = setInterval(() => void this.#rescan(), RESCAN_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** All dashboards, by title. */
  list(): StoredDashboard[] {
    const byUid = new Map(this.#saved);
    for (const { dashboard } of this.#provisioned.values())
      if (dashboard !== undefined) byUid.set(dashboard.model.uid, dashboard);
    return [...byUid.values()].sort((left, right) => left.model.title.localeCompare(right.model.title));
  }

  get(uid: string): StoredDashboard | undefined {
    for (const { dashboard } of this.#provisioned.values()) if (dashboard?.model.uid === uid) return dashboard;
    return this.#saved.get(uid);
  }

  /** Writes a dashboard so that it survives a crash right after the reply. */
  async save(model: DashboardModel): Promise<StoredDashboard> {
    if (!this.#saved.has(model.uid) && this.#saved.size >= DASHBOARDS_MAX)
      throw new Error(`more than ${DASHBOARDS_MAX} dashboards`);
    const earlier = this.#saved.get(model.uid);
    const path = this.#pathOf(model.uid);
    await writeFile(`${path}.tmp`, JSON.stringify(model), { flush: true });
    await rename(`${path}.tmp`, path);
    const now = new Date();
    const stored: StoredDashboard = {
      id: this.#idOf(model.uid),
      model,
      folder: "General",
      provisioned: false,
      created: earlier?.created ?? now,
      updated: now,
    };
    this.#saved.set(model.uid, stored);
    return stored;
  }

  async delete(uid: string): Promise<void> {
    await rm(this.#pathOf(uid), { force: true });
    this.#saved.delete(uid);
  }

  /** Uids come from outside; their file name must not lead anywhere else. */
  #pathOf(uid: string): string {
    return join(this.#savedDir, `${Buffer.from(uid, "utf8").toString("base64url")}.json`);
  }

  #idOf(uid: string): number {
    const known = this.#ids.get(uid);
    if (known !== undefined) return known;
    this.#ids.set(uid, this.#ids.size + 1);
    return this.#ids.size;
  }

  /** Reads only files whose time or size changed; a file that cannot be used is reported once per change. */
  async #rescan(): Promise<void> {
    const next = new Map<string, ScannedFile>();
    for (const folder of this.#folders) {
      for (const path of await this.#list(folder.path)) {
        if (next.size >= DASHBOARDS_MAX) break;
        try {
          const { mtimeMs, size } = await stat(path);
          const known = this.#provisioned.get(path);
          const unchanged = known !== undefined && known.mtimeMs === mtimeMs && known.size === size;
          next.set(path, unchanged ? known : await this.#readFile(path, folder.title, true));
        } catch (error) {
          // Removed between listing and reading: the next round will not list it.
          this.#logger.debug({ path, error: (error as Error).message }, "dashboard file vanished");
        }
      }
    }
    this.#provisioned = next;
  }

  /** A folder that is not there (yet) is empty; one that cannot be read is too, and is reported once. */
  async #list(folder: string): Promise<string[]> {
    try {
      const files = await jsonFiles(folder);
      this.#unreadable.delete(folder);
      return files;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && !this.#unreadable.has(folder)) {
        this.#unreadable.add(folder);
        this.#logger.error({ folder, error: message }, "dashboard folder cannot be read");
      }
      return [];
    }
  }

  async #readFile(path: string, folder: string, provisioned: boolean): Promise<ScannedFile> {
    const { mtimeMs, size, birthtime, mtime } = await stat(path);
    try {
      if (size > FILE_BYTES_MAX) throw new Error(`${size} bytes; the limit is ${FILE_BYTES_MAX}`);
      const model = toModel(parseJson(await readFile(path, "utf8")), basename(path, ".json"));
      const dashboard = { id: this.#idOf(model.uid), model, folder, provisioned, created: birthtime, updated: mtime };
      return { path, mtimeMs, size, dashboard };
    } catch (error) {
      this.#logger.error({ path, error: (error as Error).message }, "dashboard file cannot be used");
      return { path, mtimeMs, size, dashboard: undefined };
    }
  }
}

/** Grafana files may come bare or wrapped as `{"dashboard": …}`; a missing uid is derived from the file's name. */
function toModel(content: unknown, fallbackUid: string): DashboardModel {
  if (typeof content !== "object" || content === null || Array.isArray(content)) throw new Error("not a JSON object");
  const bare = content as Record<string, unknown>;
  const inner = bare["dashboard"];
  const model = (typeof inner === "object" && inner !== null ? inner : bare) as Record<string, unknown>;
  if (typeof model["title"] !== "string" || model["title"] === "") throw new Error("the dashboard has no title");
  const uid = typeof model["uid"] === "string" && model["uid"] !== "" ? model["uid"] : fallbackUid;
  return { ...model, uid, title: model["title"] };
}

/** Files below `folder`, sub-folders included, as Grafana's file provider reads them; sorted. */
async function jsonFiles(folder: string, depth = 0): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = resolve(folder, entry.name);
    if (entry.isDirectory() && depth < FOLDER_DEPTH_MAX && !SKIPPED_FOLDERS.test(entry.name)) {
      found.push(...(await jsonFiles(path, depth + 1)));
    } else if (entry.name.endsWith(".json") && !entry.isDirectory()) found.push(path);
    if (found.length >= DASHBOARDS_MAX) break;
  }
  return found;
}
