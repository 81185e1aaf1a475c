import { Pool } from "undici";

/** undici's pool, with a count of the connections that it made: whoever sees none come has an old one. */
export class ProviderPool extends Pool {
  connects = 0;

  constructor(origin: string, options: Pool.Options) {
    super(origin, options);
    this.on("connect", () => {
      this.connects++;
    });
  }
}
