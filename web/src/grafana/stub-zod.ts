/**
 * Stands in for zod in the bundle. @grafana/data declares zod schemas for themes loaded from files; this app builds its
 * two themes in code and never parses one, so a value that answers every call with itself is enough. Wired in by
 * web/build.mjs.
 */
type Chain = { (...args: unknown[]): Chain; [name: string]: Chain };

const chain: Chain = new Proxy((() => chain) as unknown as Chain, { get: () => chain, apply: () => chain });

export const object = chain;
export const string = chain;
export const number = chain;
export const boolean = chain;
export const int = chain;
export const array = chain;
export const literal = chain;
export const union = chain;
const enumeration = chain;

export { enumeration as enum };
