import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Config } from "../../config/schema.ts";
import type { Redactor } from "../safety/redactor.ts";
import type { Hook, HookFactory } from "./hook-types.ts";
import { blockListHook, redactionHook } from "./shipped-hooks.ts";

export type HookConfig = Config["gateway"]["safety"]["hooks"][number];

/** A hook that is ready, with what the configuration says of it. */
export interface LoadedHook {
  readonly name: string;
  readonly config: HookConfig;
  readonly hook: Hook;
}

/** A hook module that cannot be used; the gateway does not start with it. */
class HookLoadError extends Error {
  override readonly name = "HookLoadError";
}

/**
 * Loads the hooks in the order of the configuration, in which they also run.
 * @throws HookLoadError that names the hook, what is wrong and what helps.
 */
export async function loadHooks(configs: readonly HookConfig[], redactor: Redactor): Promise<LoadedHook[]> {
  const loaded: LoadedHook[] = [];
  for (const config of configs) {
    const name = config.name ?? basename(config.module, extname(config.module));
    if (loaded.some((other) => other.name === name)) {
      throw new HookLoadError(
        `two hooks are called "${name}"; give one of them a name of its own (safety.hooks[].name)`,
      );
    }
    loaded.push({ name, config, hook: await loadHook(name, config, redactor) });
  }
  return loaded;
}

async function loadHook(name: string, config: HookConfig, redactor: Redactor): Promise<Hook> {
  try {
    if (config.module === "redaction") return redactionHook(redactor);
    if (config.module === "block-list") return blockListHook(config.options);
    const exported = await importDefault(config.module);
    const hook = typeof exported === "function" ? await (exported as HookFactory)(config.options) : exported;
    return checkHook(hook);
  } catch (error) {
    throw new HookLoadError(`hook "${name}" (${config.module}): ${reasonOf(error, config.module)}`);
  }
}

async function importDefault(path: string): Promise<unknown> {
  const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { default?: unknown };
  if (module.default === undefined) throw new Error("it has no default export");
  return module.default;
}

function checkHook(hook: unknown): Hook {
  const { before, after } = (hook ?? {}) as { before?: unknown; after?: unknown };
  if (typeof before !== "function" && typeof after !== "function") {
    throw new Error(
      "its default export is neither a hook nor a function that makes one: it has no before and no after",
    );
  }
  return hook as Hook;
}

function reasonOf(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" || (path.endsWith(".ts") && error instanceof SyntaxError)) {
    const node = `Node.js ${process.versions.node} cannot run TypeScript by itself (22.18 and later can)`;
    return `${node}; compile it, for example with: npx esbuild ${path} --format=esm --outfile=${path.replace(/\.ts$/, ".mjs")}`;
  }
  return message;
}
