import * as z from "zod";

/** Fields that many routes share, so that one thing is described and limited the same way everywhere. */

/** A moment as every reply writes it. */
export const moment = (): z.ZodString => z.string().meta({ format: "date-time", description: "UTC, ISO 8601" });

/** An integer of a query string. */
export function integer(
  min: number,
  max: number,
  fallback: number,
  description: string,
): z.ZodDefault<z.ZodType<number>> {
  return z.coerce.number().int().min(min).max(max).default(fallback).describe(description);
}

/** `true` or `false` of a query string. */
export function flag(fallback: boolean, description: string): z.ZodType<boolean> {
  return z
    .enum(["true", "false"])
    .default(fallback ? "true" : "false")
    .transform((text) => text === "true")
    .meta({ description });
}

/** Longest name of a model, provider, key or tag that a path or query may hold. */
const NAME_CHARS_MAX = 256;
export const name = (description: string): z.ZodString => z.string().min(1).max(NAME_CHARS_MAX).describe(description);

/** How many rows of a list, and from which on. */
export const paging = (max: number, fallback: number): { limit: z.ZodType<number>; offset: z.ZodType<number> } => ({
  limit: integer(1, max, fallback, "Most rows of this reply"),
  offset: integer(0, 1_000_000, 0, "Rows to skip"),
});

/** A schema that the document names and refers to; made once, at its first use. */
export function named<T extends z.ZodType>(id: string, make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make().meta({ id }));
}
