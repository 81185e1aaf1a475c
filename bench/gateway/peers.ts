import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort, pinned, ROOT, untilAnswers } from "./processes.ts";

/** A gateway under test, running. */
export interface Peer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
  /** How it wants the models of the two upstream formats to be called. */
  readonly openAiModel: string;
  readonly anthropicModel: string;
  /** From the start of the process to the first answer, ms. */
  readonly startMs: number;
  stop(): void;
}

export type PeerName = "bare" | "gatewayz" | "gatewayz-2" | "portkey" | "llms";

const GATEWAY_CORE = 0;
const CLIENT_KEY = "gw_test_bench_0123456789abcdef0123456789abcdef";
const PEERS_DIR = resolve(ROOT, ".cache/bench-peers");
/** hono and its server as in Portkey's own lockfile; newer ones answer 500 to every stream. */
const PEERS_PACKAGE = {
  name: "bench-peers",
  private: true,
  dependencies: { "@portkey-ai/gateway": "1.15.2", "@musistudio/llms": "1.0.53" },
  overrides: { hono: "4.9.7", "@hono/node-server": "1.13.5" },
};
const LLMS_SERVER = `const { default: Server } = require("@musistudio/llms");
const [, , upstream, port] = process.argv;
new Server({ logger: false, initialConfig: { HOST: "127.0.0.1", PORT: port, LOG: false, providers: [
  { name: "openai", api_base_url: upstream + "/v1/chat/completions", api_key: "sk-bench", models: ["gpt-4o-mini"] },
  { name: "anthropic", api_base_url: upstream + "/v1/messages", api_key: "sk-bench", models: ["claude-haiku-4-5"],
    transformer: { use: ["Anthropic"] } } ] } }).start();
`;

/** Installs the rivals where they are not yet, and says whether they are there. */
export function installPeers(): boolean {
  if (existsSync(join(PEERS_DIR, "node_modules/@portkey-ai/gateway/build/start-server.js"))) return true;
  mkdirSync(PEERS_DIR, { recursive: true });
  writeFileSync(join(PEERS_DIR, "package.json"), JSON.stringify(PEERS_PACKAGE, undefined, 2));
  writeFileSync(join(PEERS_DIR, "llms.cjs"), LLMS_SERVER);
  const result = spawnSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: PEERS_DIR });
  return result.status === 0;
}

/** Starts a gateway on its core, in front of `upstream` (`http://host:port`). */
export async function startPeer(name: PeerName, upstream: string): Promise<Peer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { args, environment, headers = {}, path = "/" } = await command(name, upstream, port);
  const child = pinned(GATEWAY_CORE, args, environment);
  const startMs = await untilAnswers(url + path);
  const prefixed = name === "llms";
  return {
    name,
    url,
    pid: child.pid!,
    headers,
    openAiModel: prefixed ? "openai,gpt-4o-mini" : "gpt-4o-mini",
    anthropicModel: prefixed ? "anthropic,claude-haiku-4-5" : "claude-haiku-4-5",
    startMs,
    stop: () => void child.kill("SIGTERM"),
  };
}

interface Command {
  readonly args: readonly string[];
  readonly environment?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

async function command(name: PeerName, upstream: string, port: number): Promise<Command> {
  switch (name) {
    case "bare":
      return { args: ["--import", "tsx", "bench/gateway/bare.ts", upstream, String(port)] };
    case "portkey": {
      const program = join(PEERS_DIR, "node_modules/@portkey-ai/gateway/build/start-server.js");
      const headers = {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `${upstream}/v1`,
        authorization: "Bearer sk-bench",
      };
      return { args: [program, "--headless", `--port=${port}`], headers };
    }
    case "llms":
      return { args: [join(PEERS_DIR, "llms.cjs"), upstream, String(port)] };
    default:
      return gatewayz(upstream, port, name === "gatewayz-2" ? 2 : 1);
  }
}

/** The built program with the gateway role alone: metrics, a JSON log and spans pushed, a key with limits and a budget. */
function gatewayz(upstream: string, port: number, workers: number): Command {
  const dir = mkdtempSync(join(tmpdir(), "gatewayz-bench-"));
  const config = {
    mode: "live",
    dataDir: join(dir, "data"),
    logLevel: "warn",
    ports: { gateway: port },
    peers: { logs: upstream, otlp: upstream, health: upstream },
    gateway: {
      workers,
      keys: { bench: CLIENT_KEY },
      concurrency: { active: 20_000, queued: 20_000 },
      limits: {
        requestsPerMinute: 1e9,
        requestsPerHour: 1e9,
        requestsPerDay: 1e9,
        tokensPerMinute: 1e12,
        tokensPerHour: 1e12,
        tokensPerDay: 1e12,
        concurrent: 20_000,
        dailySpendUsd: 1e6,
      },
      providers: {
        openai: { baseUrl: `${upstream}/v1`, apiKey: "sk-bench", models: ["gpt-4o-mini"], connections: 20_000 },
        anthropic: { type: "anthropic", baseUrl: upstream, apiKey: "sk-bench", models: ["claude-haiku-4-5"] },
      },
    },
  };
  // JSON is YAML.
  writeFileSync(join(dir, "gatewayz.yaml"), JSON.stringify(config));
  return {
    args: ["dist/gatewayz.js", "up", "gateway", "--config", join(dir, "gatewayz.yaml")],
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    path: "/health",
  };
}
