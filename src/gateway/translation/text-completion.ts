import { type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { modelKind } from "../providers/model-kind.ts";
import type { Provider } from "../providers/provider.ts";
import type { StreamConverter } from "../stream/converter.ts";
import { TextSink, textFinishReason, textId } from "../stream/text-sink.ts";
import { TranslatedStream } from "../stream/translated-stream.ts";
import type { ConvertedReply, Dialogue } from "./dialogue.ts";
import { createdNow, formatOf, meterCompletion } from "./formats.ts";
import { PlainDialogue, type PlainOperation } from "./plain-dialogue.ts";
import { droppedMembers, GATEWAY_MEMBERS, refuse, type TranslatedRequest } from "./translated.ts";

const OPERATION: PlainOperation = { path: "/completions", answerIn: "choices", textIn: "prompt", metered: true };
/** OpenAI's own default for text completions. */
const MAX_TOKENS_DEFAULT = 16;

/** Copied under their own names. */
const SAME = [
  ...["temperature", "top_p", "stop", "user", "seed", "presence_penalty", "frequency_penalty"],
  ...["stream", "stream_options"],
] as const;
const HANDLED: ReadonlySet<string> = new Set([
  ...SAME,
  ...["model", "prompt", "max_tokens", "n", "best_of", "echo", "suffix", "logprobs"],
  ...GATEWAY_MEMBERS,
]);

/** A legacy text completion: passed through where the provider has that endpoint, else asked as a chat of one message. */
export class TextCompletionDialogue implements Dialogue {
  readonly dialect = "openai";
  readonly metered = true;
  readonly stream: boolean;
  readonly #body: JsonObject;
  readonly #plain: PlainDialogue;

  constructor(body: JsonObject) {
    this.#body = body;
    this.stream = body["stream"] === true;
    this.#plain = new PlainDialogue(OPERATION, body, this.stream);
  }

  pathFor(provider: Provider, model: string): string {
    if (hasEndpoint(provider, model)) return this.#plain.pathFor(provider, model);
    return formatOf(provider, model).path(provider, model, this.stream);
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    if (hasEndpoint(provider, model)) return this.#plain.requestFor(provider, model);
    const { body: chat, dropped } = promptAsChat(this.#body, provider.name);
    const translated = formatOf(provider, model).request(chat, model, provider);
    return { body: translated.body, dropped: [...dropped, ...translated.dropped] };
  }

  streamConverter(provider: Provider, model: string): StreamConverter {
    if (hasEndpoint(provider, model)) return this.#plain.streamConverter();
    const usageWanted = objectAt(this.#body, "stream_options")["include_usage"] === true;
    return new TranslatedStream(formatOf(provider, model).source(), new TextSink(usageWanted, createdNow()));
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    if (hasEndpoint(provider, model)) return this.#plain.convertReply(provider, bytes, reply, model);
    const completion = formatOf(provider, model).completion(reply, createdNow());
    const meter = completion === undefined ? undefined : meterCompletion(completion);
    if (completion === undefined || meter === undefined) return undefined;
    return { bytes: Buffer.from(JSON.stringify(asTextCompletion(completion))), meter };
  }

  estimateInputTokens(): number {
    return this.#plain.estimateInputTokens();
  }
}

/** Whether this provider answers text completions of this model itself. */
function hasEndpoint(provider: Provider, model: string): boolean {
  if (provider.wire(model).plain(OPERATION.path) === undefined) return false;
  return provider.quirks.chatOnly !== true || modelKind(model) === "completion";
}

/** The prompt as a chat's only message. @throws GatewayError NOT_TRANSLATABLE. */
function promptAsChat(body: JsonObject, provider: string): TranslatedRequest {
  for (const name of ["echo", "suffix", "logprobs"]) {
    if (body[name]) refuse(name, provider, "it is a chat model: leave it out.", name);
  }
  for (const name of ["n", "best_of"]) {
    if ((numberAt(body, name) ?? 1) > 1) refuse(`${name} above 1`, provider, "send one request per answer.", name);
  }
  const { prompt } = body;
  const text = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof text !== "string") refuse("A prompt that is not one text", provider, "send one text.", "prompt");
  const chat: JsonObject = {
    messages: [{ role: "user", content: text }],
    max_tokens: numberAt(body, "max_tokens") || MAX_TOKENS_DEFAULT,
  };
  for (const name of SAME) if (body[name] !== undefined && body[name] !== null) chat[name] = body[name];
  return { body: chat, dropped: droppedMembers(body, HANDLED) };
}

function asTextCompletion(completion: JsonObject): JsonObject {
  const { created, model, usage } = completion;
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const message = objectAt(choice, "message");
  const text = stringAt(message, "content") ?? stringAt(message, "refusal") ?? "";
  const finishReason = textFinishReason(stringAt(choice, "finish_reason") ?? "stop");
  return {
    id: textId(stringAt(completion, "id")),
    object: "text_completion",
    created,
    model,
    choices: [{ text, index: 0, logprobs: null, finish_reason: finishReason }],
    usage,
  };
}
