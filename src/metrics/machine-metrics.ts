import { readFileSync, statfsSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { Counter, Gauge, type Registry } from "prom-client";

const MODES = ["user", "nice", "sys", "idle", "irq"] as const;

/**
 * The few facts about the machine that dashboards take from node_exporter where there is one: CPU time, memory, and the
 * volume of the data folder. Read at each scrape.
 */
export function exportMachineMetrics(registry: Registry, dataDir: string): void {
  const registers = [registry];
  new Counter({
    name: "gatewayz_machine_cpu_seconds_total",
    help: "CPU time by mode since boot, divided by the number of CPUs: the rates of all modes add up to 1.",
    labelNames: ["mode"],
    registers,
    collect() {
      const all = cpus();
      this.reset();
      for (const mode of MODES) {
        const milliseconds = all.reduce((sum, { times }) => sum + times[mode], 0);
        this.inc({ mode }, milliseconds / 1_000 / Math.max(1, all.length));
      }
    },
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge("gatewayz_machine_memory_bytes", "Memory of the machine or container.", () => memoryLimit());
  gauge("gatewayz_machine_memory_available_bytes", "Memory that can be had without swapping.", availableMemory);
  gauge("gatewayz_machine_disk_bytes", "Size of the volume that holds the data folder.", () => {
    const { blocks, bsize } = statfsSync(dataDir);
    return blocks * bsize;
  });
  gauge("gatewayz_machine_disk_available_bytes", "Space of that volume that is free for us.", () => {
    const { bavail, bsize } = statfsSync(dataDir);
    return bavail * bsize;
  });
}

/** The container's limit where there is one below the machine's memory. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit !== undefined && limit > 0 && limit < totalmem() ? limit : totalmem();
}

function availableMemory(): number {
  const limit = memoryLimit();
  const used = limit < totalmem() ? number("/sys/fs/cgroup/memory.current") : undefined;
  return used === undefined ? process.availableMemory() : Math.max(0, limit - used);
}

function number(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, "utf8"));
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined; // no cgroup v2 here
  }
}
