import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stack, temporaryDir } from "./stack.ts";

/** The built gateway alone, live, with these fields of `gateway`. */
export function startGatewayStack(gateway: Readonly<Record<string, unknown>>): Promise<Stack> {
  const workingDir = temporaryDir("gateway");
  writeFileSync(join(workingDir, "gatewayz.yaml"), JSON.stringify({ mode: "live", gateway })); // JSON is YAML.
  return Stack.start({ roles: ["gateway"], workingDir });
}

/** Limits that no test reaches by accident. */
export const NO_LIMITS = {
  ...Object.fromEntries(
    ["Minute", "Hour", "Day"].flatMap((per) => [
      [`requestsPer${per}`, 1e9],
      [`tokensPer${per}`, 1e9],
    ]),
  ),
  burst: 1e9,
  concurrent: 100_000,
  dailySpendUsd: 1e6,
} as const;

/** The gateway's processes: the primary first, then its workers. */
export function gatewayPids(stack: Stack): number[] {
  const primary = stack.pidOf("gateway");
  const workers = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === primary);
  return [primary, ...workers];
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined; // It has ended.
  }
}

/** Resident memory of all of the gateway's processes, MB. */
export function residentMegabytes(stack: Stack): number {
  return gatewayPids(stack).reduce((sum, pid) => sum + residentKilobytes(pid), 0) / 1_000;
}

function residentKilobytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // It has ended.
  }
}

/** Sum of a metric's samples whose labels contain this text. */
export async function metricOf(stack: Stack, name: string, labels = ""): Promise<number> {
  const reply = await fetch(`${stack.url("gateway")}/metrics`, {
    headers: { authorization: `Bearer ${stack.adminKey}` },
  });
  return (await reply.text())
    .split("\n")
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
