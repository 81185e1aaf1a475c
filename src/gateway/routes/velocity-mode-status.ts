import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";

/** `GET /velocity-mode-status` (contract 6c): whether limits are lowered at the moment, and until when. */
export function registerVelocityModeStatus(app: FastifyInstance, { velocity }: Gateway): void {
  app.get("/velocity-mode-status", async () => {
    const { untilMs } = velocity;
    return {
      active: untilMs !== undefined,
      until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
      seconds_remaining: untilMs === undefined ? 0 : Math.max(0, Math.ceil((untilMs - Date.now()) / 1_000)),
      multiplier: velocity.multiplier("basic"),
      timestamp: new Date().toISOString(),
    };
  });
}
