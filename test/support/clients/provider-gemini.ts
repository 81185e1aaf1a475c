import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../src/gateway/json.ts";
import { type Answer, type AskedTurn, COUNTED, type ProviderFormat, pieces } from "./provider-script.ts";

const USAGE = {
  promptTokenCount: COUNTED.input,
  cachedContentTokenCount: COUNTED.cached,
  candidatesTokenCount: COUNTED.output,
  totalTokenCount: COUNTED.input + COUNTED.output,
};
const CHOICES: Readonly<Record<string, string>> = { AUTO: "auto", ANY: "required", NONE: "none" };

/** Google's `generateContent`. */
export const geminiFormat: ProviderFormat = {
  read(body) {
    const config = objectAt(body, "generationConfig");
    const calling = objectAt(objectAt(body, "toolConfig"), "functionCallingConfig");
    const named = Array.isArray(calling["allowedFunctionNames"]);
    const declared = objectsAt(body, "tools").flatMap((tool) => objectsAt(tool, "functionDeclarations"));
    const isJson = config["responseMimeType"] === "application/json";
    return {
      system: textOf(objectsAt(objectAt(body, "systemInstruction"), "parts")),
      turns: objectsAt(body, "contents").flatMap(turnsOf),
      tools: declared.map((declaration) => stringAt(declaration, "name") ?? ""),
      choice: named ? "named" : CHOICES[stringAt(calling, "mode") ?? ""],
      oneCall: false,
      maxTokens: numberAt(config, "maxOutputTokens"),
      temperature: numberAt(config, "temperature"),
      topP: numberAt(config, "topP"),
      seed: numberAt(config, "seed"),
      stop: (config["stopSequences"] as string[] | undefined) ?? [],
      json: isObject(config["responseJsonSchema"]) ? "schema" : isJson ? "mode" : undefined,
      reasons: objectAt(config, "thinkingConfig")["includeThoughts"] === true,
      body,
    };
  },
  whole: (answer) => reply(partsOf(answer), finishOf(answer), USAGE),
  stream(answer) {
    const parts = partsOf(answer).flatMap((part) => {
      const text = stringAt(part, "text");
      return text === undefined ? [part] : pieces(text).map((piece) => ({ ...part, text: piece }));
    });
    return [...parts.map((part) => event(reply([part], undefined, USAGE))), event(reply([], finishOf(answer), USAGE))];
  },
  error: (status) => ({ error: { code: status, message: `scripted ${status}`, status: "UNKNOWN" } }),
  errorEvent: () => event({ error: { code: 500, message: "scripted failure", status: "INTERNAL" } }),
};

function event(body: JsonObject): string {
  return `data: ${JSON.stringify(body)}\r\n\r\n`;
}

function reply(parts: readonly JsonObject[], finishReason: string | undefined, usageMetadata: JsonObject): JsonObject {
  const candidate: JsonObject = { content: { role: "model", parts }, index: 0 };
  if (finishReason !== undefined) candidate["finishReason"] = finishReason;
  return { candidates: [candidate], usageMetadata, modelVersion: "gemini-2.5-flash", responseId: "rsp1" };
}

function finishOf({ cutShort }: Answer): string {
  return cutShort === true ? "MAX_TOKENS" : "STOP";
}

/** The signature stands on the first call, where there is one. */
function partsOf({ thinking, text, calls }: Answer): JsonObject[] {
  const parts: JsonObject[] = [];
  if (thinking !== undefined) parts.push({ text: thinking.text, thought: true });
  if (text !== undefined) parts.push({ text });
  for (const [index, { name, args }] of (calls ?? []).entries()) {
    const signed = index === 0 && thinking !== undefined ? { thoughtSignature: thinking.signature } : {};
    parts.push({ functionCall: { name, args }, ...signed });
  }
  return parts;
}

function textOf(parts: readonly JsonObject[]): string {
  return parts.map((part) => stringAt(part, "text") ?? "").join("");
}

function turnsOf(content: JsonObject): AskedTurn[] {
  const parts = objectsAt(content, "parts");
  const nothing = { text: "", images: [], documents: [], calls: [], isError: false, signatures: [] };
  const results = parts
    .filter((part) => isObject(part["functionResponse"]))
    .map((part): AskedTurn => {
      const response = objectAt(objectAt(part, "functionResponse"), "response");
      const text = stringAt(response, "result") ?? stringAt(response, "error") ?? JSON.stringify(response);
      return { ...nothing, role: "tool", text, isError: response["error"] !== undefined };
    });
  const others = parts.filter((part) => !isObject(part["functionResponse"]));
  if (others.length === 0) return results;
  const media = others.flatMap((part) => {
    const inline = objectAt(part, "inlineData");
    if (stringAt(inline, "data") !== undefined) return `data:${inline["mimeType"]};base64,${inline["data"]}`;
    return stringAt(objectAt(part, "fileData"), "fileUri") ?? [];
  });
  const isPdf = (url: string): boolean => url.startsWith("data:application/pdf");
  const turn: AskedTurn = {
    ...nothing,
    role: content["role"] === "model" ? "assistant" : "user",
    text: textOf(others),
    images: media.filter((url) => !isPdf(url)),
    documents: media.filter(isPdf),
    calls: others
      .filter((part) => isObject(part["functionCall"]))
      .map((part) => ({
        name: stringAt(objectAt(part, "functionCall"), "name") ?? "",
        args: objectAt(objectAt(part, "functionCall"), "args"),
      })),
    signatures: others.flatMap((part) => stringAt(part, "thoughtSignature") ?? []),
  };
  return [...results, turn];
}
