import { generateKeyPairSync, verify } from "node:crypto";
import { ANTHROPIC_COUNTS, ANTHROPIC_REASONING, anthropicAnswer, checkAnthropicBody } from "./anthropic.ts";
import { checkGeminiBody, GEMINI_COUNTS, GEMINI_REASONING, geminiAnswer } from "./gemini.ts";
import { jsonReply, must, mustPost, type WireFixture, type WireReply, type WireRequest } from "./wire-server.ts";

const TOKEN = "ya29.test-access-token";
const ROOT = "/v1/projects/test-project/locations/europe-west4/publishers";
const keys = generateKeyPairSync("rsa", {
  modulusLength: 2_048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** A service account's JSON as the console downloads it, with a token service of our own. */
export function serviceAccount(url: string): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "test-project",
    private_key_id: "k1",
    private_key: keys.privateKey,
    client_email: "gateway@test-project.iam.gserviceaccount.com",
    client_id: "1",
    token_uri: `${url}/token`,
  });
}

/** OAuth 2.0 for service accounts: a signed assertion for a token. */
function answerToken(request: WireRequest): WireReply {
  const form = new URLSearchParams(request.text);
  must(form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer", "wrong grant type");
  const [head, claims, signature] = (form.get("assertion") ?? "").split(".");
  const signed = Buffer.from(`${head}.${claims}`);
  must(verify("sha256", signed, keys.publicKey, Buffer.from(signature ?? "", "base64url")), "the signature is wrong");
  const { iss, scope } = JSON.parse(Buffer.from(claims ?? "", "base64url").toString("utf8")) as Record<string, string>;
  must(iss === "gateway@test-project.iam.gserviceaccount.com", "wrong issuer");
  must(scope === "https://www.googleapis.com/auth/cloud-platform", "wrong scope");
  return jsonReply({ access_token: TOKEN, expires_in: 3_599, token_type: "Bearer" });
}

function fixture(part: Pick<WireFixture, "title" | "model" | "usage" | "reasoning" | "check" | "answer">): WireFixture {
  return {
    ...part,
    provider: "google-vertex",
    config: (url) => ({
      type: "vertex",
      baseUrl: url,
      apiKey: serviceAccount(url),
      region: "europe-west4",
      models: [part.model],
    }),
    check: (request) => (request.path === "/token" ? undefined : part.check(request)),
    answer: (request) => (request.path === "/token" ? answerToken(request) : part.answer(request)),
  };
}

export const VERTEX: readonly WireFixture[] = [
  fixture({
    title: "vertex, Gemini",
    model: "gemini-2.5-flash",
    usage: GEMINI_COUNTS,
    reasoning: GEMINI_REASONING,
    check(request) {
      const method = request.path.includes(":stream") ? "streamGenerateContent" : "generateContent";
      mustPost(request, `${ROOT}/google/models/gemini-2.5-flash:${method}`, "authorization", `Bearer ${TOKEN}`);
      checkGeminiBody(request);
    },
    answer: (request) => geminiAnswer(request, request.path.includes(":stream")),
  }),
  fixture({
    title: "vertex, Claude",
    model: "claude-sonnet-4-5@20250929",
    usage: ANTHROPIC_COUNTS,
    reasoning: ANTHROPIC_REASONING,
    check(request) {
      const isStream = request.body["stream"] === true;
      const method = isStream ? "streamRawPredict" : "rawPredict";
      const path = `${ROOT}/anthropic/models/claude-sonnet-4-5%4020250929:${method}`;
      mustPost(request, path, "authorization", `Bearer ${TOKEN}`);
      must(request.body["anthropic_version"] === "vertex-2023-10-16", "anthropic_version is missing");
      must(request.body["model"] === undefined, "the model belongs into the path");
      checkAnthropicBody(request);
    },
    answer: (request) => anthropicAnswer(request),
  }),
];
