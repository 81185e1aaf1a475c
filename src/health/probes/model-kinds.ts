import { type Check, keyOf, type Target } from "../check.ts";

const CHAT = "chat";
/** The kinds of models (as `GET /v1/models` names them) that a request of each type is made for, the usual one first. */
const KINDS_BY_REQUEST: ReadonlyMap<string, readonly string[]> = new Map([
  ["chat_completion", [CHAT, "responses"]],
  ["text_completion", [CHAT, "completion"]],
  ["embedding", ["embedding"]],
  ["image_generation", ["image"]],
  ["audio_transcription", ["audio"]],
  ["audio_generation", ["audio"]],
  ["moderation", ["moderation"]],
  ["rerank", ["rerank"]],
]);

/**
 * What each model is for, which decides what is probed and which customers' calls count. Only chat models are probed: a
 * probe is a chat, and what cannot chat would fail every one. The catalogue says what a model is for; of one that it does
 * not list, the first call that succeeds does.
 */
export class ModelKinds {
  /** Undefined until the catalogue is known. */
  #listed: ReadonlyMap<string, string> | undefined;
  readonly #seen = new Map<string, string>();

  /** @param isKnown False for models that need not be remembered any longer. */
  setListed(listed: ReadonlyMap<string, string>, isKnown: (key: string) => boolean): void {
    this.#listed = listed;
    for (const key of this.#seen.keys()) if (listed.has(key) || !isKnown(key)) this.#seen.delete(key);
  }

  /** False for what is not in the catalogue; true for everything while that is not known. */
  isListed(key: string): boolean {
    return this.#listed?.has(key) ?? true;
  }

  isProbed(target: Target): boolean {
    const kind = this.#kindOf(keyOf(target));
    return kind === undefined || kind === CHAT;
  }

  /**
   * True where the result says something about the model. A call of another kind than the model's is the client's mistake
   * when it fails; when it succeeds, the model can do that too.
   */
  counts(check: Check): boolean {
    if (check.kind === "probe" || check.status === "success") return true;
    return kindsOf(check).includes(this.#kindOf(keyOf(check)) ?? CHAT);
  }

  /** Remembers what an unlisted model is for. */
  take(check: Check): void {
    const key = keyOf(check);
    if (check.kind === "probe" || check.status !== "success" || this.#kindOf(key) !== undefined) return;
    this.#seen.set(key, kindsOf(check)[0]!);
  }

  #kindOf(key: string): string | undefined {
    return this.#listed?.get(key) ?? this.#seen.get(key);
  }
}

/** A sender that names no type of request reports chats. */
function kindsOf({ requestType = "chat_completion" }: Check): readonly string[] {
  return KINDS_BY_REQUEST.get(requestType) ?? [requestType];
}
