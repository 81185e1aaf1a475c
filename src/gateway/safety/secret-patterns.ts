/**
 * What API keys and other secrets look like, by whoever gives them out. Every alternative begins with letters that are
 * looked for first and has bounded repeats only, so that the time stays linear in the text.
 */
const SHAPES: readonly string[] = [
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot and everybody who took over `sk-`.
  "sk-[A-Za-z0-9_-]{16,200}",
  // This gateway's own, and those of payment providers.
  "(?:gw|sk|rk|pk)_(?:live|test|temp)_[A-Za-z0-9]{12,200}",
  "whsec_[A-Za-z0-9+/=]{16,100}",
  // Groq, xAI, Perplexity, Cerebras, Fireworks, Together, NVIDIA, Replicate, Hugging Face, Databricks.
  "gsk_[A-Za-z0-9]{20,100}",
  "xai-[A-Za-z0-9]{20,120}",
  "pplx-[A-Za-z0-9]{20,100}",
  "csk-[a-z0-9]{20,100}",
  "fw_[A-Za-z0-9]{16,64}",
  "tgp_v1_[A-Za-z0-9_-]{20,100}",
  "nvapi-[A-Za-z0-9_-]{20,120}",
  "r8_[A-Za-z0-9]{20,64}",
  "hf_[A-Za-z0-9]{20,64}",
  "dapi[a-f0-9]{32}",
  // Google: API keys, OAuth tokens and client secrets.
  "AIza[A-Za-z0-9_-]{35}",
  "ya29\\.[A-Za-z0-9_-]{20,500}",
  "GOCSPX-[A-Za-z0-9_-]{20,60}",
  // Amazon access keys.
  "(?:AKIA|ASIA|ABSK)[A-Z0-9]{16}(?:[A-Za-z0-9+/=]{0,120})",
  // GitHub, GitLab, npm, PyPI.
  "gh[pousr]_[A-Za-z0-9]{30,255}",
  "github_pat_[A-Za-z0-9_]{20,255}",
  "glpat-[A-Za-z0-9_-]{16,100}",
  "npm_[A-Za-z0-9]{36}",
  "pypi-[A-Za-z0-9_-]{50,300}",
  // Slack, SendGrid, Twilio, Telegram, Linear, Notion, Shopify, DigitalOcean, Vault, Doppler.
  "xox[abeoprs]-[A-Za-z0-9-]{10,250}",
  "xapp-[A-Za-z0-9-]{10,250}",
  "SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}",
  "SK[a-f0-9]{32}",
  "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
  "lin_(?:api|oauth)_[A-Za-z0-9]{20,80}",
  "(?:secret|ntn)_[A-Za-z0-9]{40,60}",
  "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
  "do[opr]_v1_[a-f0-9]{64}",
  "hv[sb]\\.[A-Za-z0-9_-]{20,300}",
  "dp\\.(?:pt|st|ct|sa)\\.[A-Za-z0-9]{20,80}",
  // JSON web tokens.
  "eyJ[A-Za-z0-9_-]{8,2000}\\.eyJ[A-Za-z0-9_-]{8,4000}\\.[A-Za-z0-9_-]{8,1000}",
];

/** Any of the shapes, standing by itself. */
export const SECRET_SHAPES = new RegExp(`(?<![A-Za-z0-9_-])(?:${SHAPES.join("|")})`, "g");

/** A word that says "what follows is secret", then the secret, in headers and lines of configuration; a call in code is none. */
export const SECRET_AFTER_NAME =
  /((?:\bBearer|\bBasic)\s{1,4}|\b(?:api[-_ ]?key|apikey|access[-_]?token|auth[-_]?token|client[-_]?secret|secret[-_]?key|passwor[dt]|passwd|pwd)["']?\s{0,4}[:=]\s{0,4}["']?)(?![\w.$]{1,100}\()[^\s"',;&<>]{6,500}/gi;

/** A password inside a URL. */
export const SECRET_IN_URL = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@]{0,100}:)[^\s@/]{1,200}(?=@)/gi;

/** A private key in PEM; its end may be missing in a text that was cut. */
export const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY-----[A-Za-z0-9+/=\s\\:,.-]{0,20000}(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY-----)?/g;
