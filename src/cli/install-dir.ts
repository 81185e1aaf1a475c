import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of `package.json` above this program: dashboards/, rules/ and web/ are there, built or not. */
export function installDir(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("BUG: no package.json above the program");
    folder = parent;
  }
  return folder;
}
