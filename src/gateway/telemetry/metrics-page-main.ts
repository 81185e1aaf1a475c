import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { metricsPage } from "./metrics-page.ts";

// `npm run docs:metrics`: writes the tables of docs/metrics.md anew.
const root = resolve(import.meta.dirname, "../../..");
const path = resolve(root, "docs/metrics.md");
writeFileSync(path, await metricsPage(root, readFileSync(path, "utf8")));
