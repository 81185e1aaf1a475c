/** Longest wait for one answer, ms. Requests of customers wait with it, so it is short. */
export const COMMAND_TIMEOUT_MS = 250;
/** After an answer that came too late the server is left alone for so long, ms: otherwise every request would wait. */
export const REST_MS = 1_000;
export const CONNECT_TIMEOUT_MS = 3_000;
/** Between two tries to connect: the first pause, doubled up to the last, ms. */
export const RECONNECT_MS = { first: 100, last: 3_000 } as const;
/** How often an idle connection is tried, and how long it may stay silent before it counts as broken, ms. */
export const PING_INTERVAL_MS = 2_000;
export const SOCKET_TIMEOUT_MS = 6_000;
/** Commands that may wait for answers; further ones fail at once. */
export const COMMANDS_MAX = 10_000;
