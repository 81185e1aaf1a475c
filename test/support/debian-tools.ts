import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE_DIR = resolve(import.meta.dirname, "../../.cache/debian");
const DOWNLOAD_TIMEOUT_MS = 300_000;
/** Packages of one tool, dependencies included; a runaway list means that the name was wrong. */
const PACKAGES_MAX = 400;

/** Programs of Debian that tests compare us with: the package each is in, and its place there. */
const TOOLS = {
  // Statically linked: what it depends on is for its web pages.
  prometheus: { package: "prometheus", path: "usr/bin/prometheus", dependencies: false },
  promtool: { package: "prometheus", path: "usr/bin/promtool", dependencies: false },
  jq: { package: "jq", path: "usr/bin/jq", dependencies: true },
  // A link to the program, which is in redis-tools: needed beside it even where that is installed.
  "redis-server": {
    package: "redis-server",
    path: "usr/bin/redis-server",
    dependencies: true,
    also: ["redis-tools"],
  },
  // Beside it lies initdb, which makes a database's folder.
  postgres: { package: "postgresql-15", path: "usr/lib/postgresql/15/bin/postgres", dependencies: true },
  chromium: { package: "chromium", path: "usr/lib/chromium/chromium", dependencies: true },
} as const;

export type DebianTool = keyof typeof TOOLS;

export interface UnpackedTool {
  /** The program. */
  readonly path: string;
  /** Environment that lets the program find its own libraries. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A program of Debian's, downloaded with `apt-get download` and unpacked below `.cache/debian`; nothing is installed and
 * no root is needed. The second call finds it there.
 * @throws Error where there is no apt or no network.
 */
export async function debianTool(name: DebianTool): Promise<UnpackedTool> {
  const tool = TOOLS[name];
  // An installed package is complete; unpacking only the rest beside it would not be (Chromium finds its data next to itself).
  if (await exists(join("/", tool.path))) return { path: join("/", tool.path), env: process.env };
  const root = join(CACHE_DIR, tool.package);
  const also = "also" in tool ? tool.also : [];
  if (!(await exists(join(root, tool.path)))) await unpackPackage(tool.package, tool.dependencies, also, root);
  return { path: join(root, tool.path), env: await environmentOf(root) };
}

/** The environment of a shell that finds this tool by its name. */
export function shellEnvironment(tool: UnpackedTool): NodeJS.ProcessEnv {
  return { ...tool.env, PATH: `${dirname(tool.path)}:${process.env["PATH"]}` };
}

/** As `debianTool`, but undefined, with the reason on stderr, where the tool cannot be had; for tests that skip then. */
export async function optionalDebianTool(name: DebianTool): Promise<UnpackedTool | undefined> {
  try {
    return await debianTool(name);
  } catch (error) {
    console.warn(`skipping tests with Debian's ${name}: ${(error as Error).message.split("\n")[0]}`);
    return undefined;
  }
}

async function unpackPackage(
  packageName: string,
  withDependencies: boolean,
  also: readonly string[],
  root: string,
): Promise<void> {
  await mkdir(CACHE_DIR, { recursive: true });
  const options = await aptOptions(packageName);
  const names = withDependencies ? await missingPackages(packageName, options) : [packageName];
  const work = await mkdtemp(join(CACHE_DIR, "download-"));
  try {
    await run("apt-get", [...options, "download", ...new Set([...names, ...also])], {
      cwd: work,
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
    const unpacked = join(work, "root");
    await mkdir(unpacked);
    for (const file of await readdir(work)) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(work, file), unpacked]);
    }
    await rm(root, { recursive: true, force: true });
    // The rename makes it appear as a whole; of two test processes the later one wins, with the same content.
    await rename(unpacked, root);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The package and those of its dependencies that this machine does not have. */
async function missingPackages(packageName: string, options: readonly string[]): Promise<string[]> {
  const limits = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(
    (kind) => `--no-${kind}`,
  );
  const listed = await run("apt-cache", [...options, "depends", "--recurse", "--important", ...limits, packageName], {
    maxBuffer: 16 * 1024 * 1024,
  });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const installed = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n"], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const present = new Set(
    installed.stdout.split("\n").flatMap((line) => (line.endsWith(" installed") ? [line.split(" ")[0]!] : [])),
  );
  // A line without an indent is a package's own; names in <angle brackets> are virtual.
  const wanted = listed.stdout.split("\n").filter((line) => /^[a-z0-9]/.test(line) && !line.includes(":"));
  const missing = [...new Set(wanted)].filter((name) => name === packageName || !present.has(name));
  const real = await withCandidate(missing, options);
  if (real.length > PACKAGES_MAX)
    throw new Error(`${packageName} needs ${real.length} packages; the limit is ${PACKAGES_MAX}`);
  return real;
}

/** None where the machine's own package lists serve; else lists of our own, fetched once, that no root is needed for. */
async function aptOptions(packageName: string): Promise<string[]> {
  if (await hasCandidate(packageName, [])) return [];
  const lists = join(CACHE_DIR, "lists");
  const cache = join(CACHE_DIR, "apt");
  const options = ["-o", `Dir::State::lists=${lists}`, "-o", `Dir::Cache=${cache}`, "-o", "Debug::NoLocking=1"];
  if (await hasCandidate(packageName, options)) return options;
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(cache, "archives/partial"), { recursive: true });
  await run("apt-get", [...options, "update"], { timeout: DOWNLOAD_TIMEOUT_MS });
  return options;
}

async function hasCandidate(packageName: string, options: readonly string[]): Promise<boolean> {
  return (await withCandidate([packageName], options)).length > 0;
}

/** Those of the packages that can be downloaded; asked at once, as every call reads all lists. */
async function withCandidate(names: readonly string[], options: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const { stdout } = await run("apt-cache", [...options, "policy", ...names], {
    maxBuffer: 16 * 1024 * 1024,
    env: { ...process.env, LC_ALL: "C" },
  });
  return [...stdout.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (?!\(none\))/gm)].map((match) => match[1]!);
}

/** Every folder of the root that holds shared libraries; some packages (pulseaudio) keep private ones one level deeper. */
async function environmentOf(root: string): Promise<NodeJS.ProcessEnv> {
  const folders: string[] = [];
  for (const base of ["lib", "usr/lib"]) {
    folders.push(join(root, base));
    for (const entry of await foldersIn(join(root, base))) {
      if (!entry.includes("-linux-gnu")) continue;
      const folder = join(root, base, entry);
      folders.push(folder);
      for (const inner of await foldersIn(folder)) {
        if ((await readdir(join(folder, inner))).some((name) => name.includes(".so")))
          folders.push(join(folder, inner));
      }
    }
  }
  const inherited = process.env["LD_LIBRARY_PATH"];
  return { ...process.env, LD_LIBRARY_PATH: [...folders, ...(inherited ? [inherited] : [])].join(":") };
}

async function foldersIn(dir: string): Promise<string[]> {
  if (!(await exists(dir))) return [];
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
