/** A configuration that cannot be used; `message` names file, line and the next step, and is shown without a stack. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
