import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { healthStoreSuite } from "../testing/store-suite.ts";

const folder = await mkdtemp(join(tmpdir(), "gatewayz-health-store-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let files = 0;

healthStoreSuite(async () => ({ file: join(folder, `state-${files++}.db`) }));
