import { isIP } from "node:net";
import { guardedLookup, OUTBOUND_REFUSED, type Reach, refusedLiteral } from "../../runtime/outbound-guard.ts";
import type { AlertSeverity, Notification } from "./alert.ts";
import { type Channel, DeliveryError } from "./channel.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 20_000;
const SUBMISSION_PORT = 587;
const TLS_PORT = 465;

export interface EmailOptions {
  /** `smtp://[user:password@]host[:port]`, or `smtps://`. */
  readonly smtpUrl: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly severityMin: AlertSeverity;
}

/** Mails through an SMTP server; STARTTLS where the server offers it, and always before a password is sent. */
export function emailChannel(options: EmailOptions, reach: Reach): Channel {
  return {
    name: "email",
    severityMin: options.severityMin,
    async send(notification, signal) {
      const { default: nodemailer } = await import("nodemailer");
      const url = new URL(options.smtpUrl);
      const secure = url.protocol === "smtps:";
      const user = decodeURIComponent(url.username);
      const transport = nodemailer.createTransport({
        // The very address that was judged; the certificate is still checked against the name.
        host: await openAddress(url.hostname, reach),
        port: Number(url.port) || (secure ? TLS_PORT : SUBMISSION_PORT),
        secure,
        requireTLS: !secure && user !== "",
        tls: isIP(url.hostname) === 0 ? { servername: url.hostname } : {},
        auth: user === "" ? undefined : { user, pass: decodeURIComponent(url.password) },
        connectionTimeout: CONNECT_TIMEOUT_MS,
        greetingTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SOCKET_TIMEOUT_MS,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const sending = transport.sendMail({ from: options.from, to: [...options.to], ...mailOf(notification) });
      // A server that stops in the middle of a handshake is not noticed by the library.
      let stop: (() => void) | undefined;
      const stopped = new Promise<never>((_, reject) => {
        stop = () => reject(new DeliveryError("given up", true));
        signal.addEventListener("abort", stop, { once: true });
      });
      try {
        await Promise.race([sending, stopped]);
      } catch (error) {
        sending.catch(() => undefined); // Whoever lost the race has nobody left to tell.
        throw error instanceof DeliveryError ? error : deliveryError(error as Error);
      } finally {
        signal.removeEventListener("abort", stop!);
        transport.close();
      }
    },
    close: async () => undefined,
  };
}

/** @throws DeliveryError when the name leads to nowhere, or to where nothing may be sent. */
async function openAddress(hostname: string, reach: Reach): Promise<string> {
  const refused = refusedLiteral(hostname, reach);
  if (refused !== undefined) throw new DeliveryError(refused.message, false);
  return new Promise((resolve, reject) => {
    guardedLookup(reach)(hostname, { all: false }, (error, address) => {
      if (error === null) return resolve(String(address));
      const isRefused = error.code === OUTBOUND_REFUSED;
      reject(new DeliveryError(isRefused ? "its address is private" : (error.code ?? error.name), !isRefused));
    });
  });
}

/** SMTP: 4xx is for now, 5xx for ever. Error texts may repeat the address or the user, so only the code is kept. */
function deliveryError({ code, responseCode, name }: Error & { code?: string; responseCode?: number }): DeliveryError {
  const retryable = responseCode === undefined ? code !== "EAUTH" && code !== "EENVELOPE" : responseCode < 500;
  return new DeliveryError(responseCode === undefined ? (code ?? name) : `SMTP ${responseCode}`, retryable);
}

/** Subject and plain text of a mail. */
function mailOf({ alert, status, firedAtMs, atMs }: Notification): { subject: string; text: string } {
  const word = status === "resolved" ? "RESOLVED" : alert.severity.toUpperCase();
  const facts = Object.entries({ type: alert.type, provider: alert.provider, model: alert.model, ...alert.details });
  const lines = facts.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  const times = [`since: ${new Date(firedAtMs).toISOString()}`, `sent: ${new Date(atMs).toISOString()}`];
  return {
    subject: `[GatewayZ ${word}] ${alert.title}`.replace(/[\r\n]+/g, " "),
    text: [alert.message, "", ...lines, ...times, ""].join("\n"),
  };
}
