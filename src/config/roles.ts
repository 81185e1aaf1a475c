/** Start order: stores before the roles that write into them, the UI last. */
export const ROLE_NAMES = ["metrics", "logs", "traces", "health", "gateway", "dashboards"] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

export function isRoleName(text: string): text is RoleName {
  return (ROLE_NAMES as readonly string[]).includes(text);
}
