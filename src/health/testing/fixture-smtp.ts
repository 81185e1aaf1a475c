import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

interface Mail {
  from: string;
  to: string[];
  text: string;
}

/** A mail server that takes everything, or refuses the next recipients as told (RFC 5321, without TLS). */
export class FixtureSmtp {
  readonly mails: Mail[] = [];
  readonly commands: string[] = [];
  /** Answers to the next RCPT commands. */
  refusals: string[] = [];
  /** Says yes to STARTTLS, and then nothing any more. */
  hangsInTls = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#talk(socket));
  }

  static async start(): Promise<FixtureSmtp> {
    const smtp = new FixtureSmtp();
    await new Promise<void>((resolve) => smtp.#server.listen(0, "127.0.0.1", resolve));
    return smtp;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #talk(socket: Socket): void {
    this.#sockets.add(socket);
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let waiting = "";
    let mail: Mail = { from: "", to: [], text: "" };
    let inData = false;
    say("220 fixture ESMTP");
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      waiting += bytes.toString("utf8");
      for (let end = waiting.indexOf("\r\n"); end >= 0; end = waiting.indexOf("\r\n")) {
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + 2);
        if (inData && line !== ".") mail.text += `${line}\n`;
        else if (inData) {
          inData = false;
          this.mails.push(mail);
          mail = { from: "", to: [], text: "" };
          say("250 taken");
        } else inData = this.#command(line, mail, say) === "data";
      }
    });
  }

  #command(line: string, mail: Mail, say: (line: string) => void): "data" | undefined {
    this.commands.push(line);
    const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
    switch (line.slice(0, 4).toUpperCase()) {
      case "MAIL":
        mail.from = address;
        say("250 ok");
        return undefined;
      case "RCPT": {
        const refusal = this.refusals.shift();
        if (refusal === undefined) mail.to.push(address);
        say(refusal ?? "250 ok");
        return undefined;
      }
      case "DATA":
        say("354 go on");
        return "data";
      case "STAR":
        say(this.hangsInTls ? "220 go on" : "502 no TLS here");
        return undefined;
      case "QUIT":
        say("221 bye");
        return undefined;
      case "EHLO":
        say(this.hangsInTls ? "250-fixture\r\n250 STARTTLS" : "250 fixture");
        return undefined;
      default:
        say("250 fixture");
        return undefined;
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
