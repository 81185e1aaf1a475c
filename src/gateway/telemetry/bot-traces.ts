import type { RequestRecord } from "../request-record.ts";

/** Programs that look for holes, by what they call themselves. */
const SCANNER_AGENT =
  /\b(zgrab|masscan|nikto|sqlmap|nmap|nuclei|censys|shodan|expanse|gobuster|dirbuster|wpscan|acunetix|nessus|qualys|openvas|httpx|wfuzz|ffuf|leakix|internetmeasurement|netsystemsresearch|paloaltonetworks)/i;

type BotReason = "scanner_route" | "bot_user_agent" | "unauth_4xx_flood" | "unauth_429_spam";

/**
 * Why a request's trace is not worth exporting (contract section 8): a caller without a key that asks for paths which do
 * not exist, calls itself a scanner, or was refused. Undefined for everybody else. Such requests are still counted.
 */
export function botReason({ client, userAgent, route, outcome }: RequestRecord): BotReason | undefined {
  if (client !== undefined || outcome === undefined) return undefined;
  if (userAgent !== "" && SCANNER_AGENT.test(userAgent)) return "bot_user_agent";
  const { statusCode } = outcome;
  if (statusCode === 404 && route === "unmatched") return "scanner_route";
  if (statusCode === 429) return "unauth_429_spam";
  if (statusCode === 401 || statusCode === 403) return "unauth_4xx_flood";
  return undefined;
}
