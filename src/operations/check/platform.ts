import { existsSync, readFileSync, statfsSync } from "node:fs";
import { totalmem } from "node:os";
import type { Finding, Target } from "./target.ts";

/** The guide's numbers: memory at least 512 MB, disk at least 10 GB. */
const MEMORY_BYTES_MIN = 512 * 1024 ** 2;
const DISK_BYTES_MIN = 10 * 1024 ** 3;
const UPTIME_MIN = 0.999;
const DAY_SECONDS = 86_400;
/** Less history than this share of a day says nothing about a day. */
const HISTORY_SHARE_MIN = 0.95;

/** "Overall: 99.9% uptime over 24 hours". */
export async function checkUptime(target: Target): Promise<Finding[]> {
  const criterion = "99.9% uptime over 24 hours";
  const uptime = await target.promql('avg_over_time(up{job="gatewayz_staging"}[1d])');
  const first = await target.promql('time() - min_over_time(timestamp(up{job="gatewayz_staging"})[1d:1m])');
  const value = typeof uptime === "string" ? undefined : uptime[0]?.value;
  if (value === undefined) return [{ component: "Overall", criterion, measured: "no samples yet", verdict: "pending" }];
  const historySeconds = typeof first === "string" ? 0 : (first[0]?.value ?? 0);
  const measured = `${(value * 100).toFixed(3)} % over ${hours(historySeconds)}`;
  if (historySeconds < DAY_SECONDS * HISTORY_SHARE_MIN)
    return [{ component: "Overall", criterion, measured, verdict: "pending" }];
  if (value >= UPTIME_MIN) return [{ component: "Overall", criterion, measured, verdict: "ok" }];
  return [
    {
      component: "Overall",
      criterion,
      measured,
      verdict: "fail",
      cause: "the gateway was not scraped all the time",
      fix: 'query up{job="gatewayz_staging"} over the day and read the gateway\'s log at each gap',
    },
  ];
}

function hours(seconds: number): string {
  return seconds < 3_600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}

/** Memory and disk against the guide's minimum; only where the installation is on this machine. */
export function checkPlatform(target: Target): Finding[] {
  const { dataDir } = target.at;
  if (dataDir === undefined || !existsSync(dataDir)) return [];
  const memory = memoryLimitBytes();
  const disk = statfsSync(dataDir);
  const total = disk.blocks * disk.bsize;
  const free = disk.bavail * disk.bsize;
  return [
    {
      component: "Platform",
      criterion: "Memory at least 512 MB",
      measured: `${Math.round(memory / 1024 ** 2)} MB`,
      ...verdict(
        memory >= MEMORY_BYTES_MIN,
        "the machine or container has too little memory",
        "raise the memory limit to 512 MB or more",
      ),
    },
    {
      component: "Platform",
      criterion: "Disk at least 10 GB",
      measured: `${(free / 1024 ** 3).toFixed(1)} GB free of ${(total / 1024 ** 3).toFixed(1)} GB`,
      ...verdict(
        total >= DISK_BYTES_MIN,
        "the volume of the data folder is too small",
        "attach a volume of 10 GB or more, or set GATEWAYZ_DATA to a folder on one",
      ),
    },
  ];
}

function verdict(good: boolean, cause: string, fix: string): Pick<Finding, "verdict" | "cause" | "fix"> {
  return good ? { verdict: "ok" } : { verdict: "fail", cause, fix };
}

/** The container's limit where there is one (cgroup v2), else the machine's memory. */
function memoryLimitBytes(): number {
  const file = "/sys/fs/cgroup/memory.max";
  const limit = existsSync(file) ? Number(readFileSync(file, "utf8").trim()) : Number.NaN;
  return Number.isFinite(limit) ? Math.min(limit, totalmem()) : totalmem();
}
