// `npm start`: install if needed, build if needed, then run everything in this very process (one process less to pay for).
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, ROOT } from "./prepare.mjs";

ensureInstalled();
ensureBuilt();
const program = resolve(ROOT, "dist/gatewayz.js");
process.argv = [process.argv[0], program, "up", ...process.argv.slice(2)];
await import(pathToFileURL(program).href);
