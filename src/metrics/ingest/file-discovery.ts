import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import type { TargetGroup } from "../config/config-types.ts";
import { RULE_FILE_BYTES_MAX } from "../limits.ts";

const groupSchema = z.array(
  z.strictObject({ targets: z.array(z.string()).default([]), labels: z.record(z.string(), z.string()).default({}) }),
);

/**
 * Target groups of one discovery file (JSON or YAML), as `file_sd_configs` reads them.
 * @throws Error naming the file.
 */
export async function readTargetFile(path: string): Promise<TargetGroup[]> {
  const { size } = await stat(path);
  if (size > RULE_FILE_BYTES_MAX) throw new Error(`${path}: ${size} bytes; the limit is ${RULE_FILE_BYTES_MAX}`);
  const text = await readFile(path, "utf8");
  try {
    const groups = groupSchema.parse(extname(path).toLowerCase() === ".json" ? JSON.parse(text) : (parse(text) ?? []));
    return groups.map(({ targets, labels }, index) => ({
      source: `${path}:${index}`,
      targets,
      labels: [...Object.entries(labels), ["__meta_filepath", path]],
    }));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}
