/** Bodies that once broke somebody's parser. Additions stay: each is a regression test from then on. */
export const HOSTILE_BODIES: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: "nothing", bytes: Buffer.alloc(0) },
  { name: "white space", bytes: Buffer.from(" \n\t ") },
  { name: "NUL", bytes: Buffer.from([0]) },
  { name: "NUL behind JSON", bytes: Buffer.from('{"model":"oai-model"}\u0000') },
  { name: "a byte order mark", bytes: Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]) },
  { name: "UTF-16", bytes: Buffer.from('{"model":"oai-model"}', "utf16le") },
  { name: "a lone continuation byte", bytes: Buffer.from([0x7b, 0x22, 0x80, 0x22, 0x3a, 0x31, 0x7d]) },
  { name: "overlong slash", bytes: Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]) },
  { name: "an encoded surrogate", bytes: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]) },
  { name: "half a character at the end", bytes: Buffer.from([0x22, 0x61, 0xf0, 0x9f, 0x98]) },
  { name: "beyond Unicode", bytes: Buffer.from([0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]) },
  { name: "null", bytes: Buffer.from("null") },
  { name: "a number", bytes: Buffer.from("1") },
  { name: "a string", bytes: Buffer.from('"x"') },
  { name: "an array", bytes: Buffer.from("[{}]") },
  {
    name: "an infinite number",
    bytes: Buffer.from('{"model":"oai-model","messages":[{"role":"user","content":"x"}],"max_tokens":1e999}'),
  },
  {
    name: "a negative zero",
    bytes: Buffer.from('{"model":"oai-model","messages":[{"role":"user","content":"x"}],"max_tokens":-0}'),
  },
  { name: "twice the same member", bytes: Buffer.from('{"model":"oai-model","model":5,"messages":[]}') },
  {
    name: "__proto__ as the body",
    bytes: Buffer.from('{"__proto__":{"model":"oai-model","messages":[{"role":"user","content":"x"}],"polluted":1}}'),
  },
  {
    name: "__proto__ in a message",
    bytes: Buffer.from('{"model":"oai-model","messages":[{"__proto__":{"role":"user"},"content":"x"}]}'),
  },
  {
    name: "__proto__ as arguments",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"__proto__","arguments":"{\\"__proto__\\":{\\"polluted\\":1}}"}}]},{"role":"tool","tool_call_id":"1","content":"y"}]}',
    ),
  },
  {
    name: "constructor.prototype",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":"x"}],"constructor":{"prototype":{"polluted":1}},"metadata":{"__proto__":{"polluted":1}}}',
    ),
  },
  {
    name: "model __proto__",
    bytes: Buffer.from(
      '{"model":"__proto__","messages":[{"role":"user","content":"x"}],"input":"x","prompt":"x","query":"x","documents":["x"]}',
    ),
  },
  {
    name: "model constructor",
    bytes: Buffer.from('{"model":"constructor/toString","messages":[{"role":"user","content":"x"}],"input":"x"}'),
  },
  {
    name: "provider __proto__",
    bytes: Buffer.from(
      '{"model":"oai-model","provider":"__proto__","messages":[{"role":"user","content":"x"}],"input":"x"}',
    ),
  },
  {
    name: "a lone surrogate as model",
    bytes: Buffer.from('{"model":"\\ud800","messages":[{"role":"user","content":"x"}],"input":"x"}'),
  },
  {
    name: "a lone surrogate in everything",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":"\\ud800"},{"role":"assistant","content":"\\udfff"}],"stop":["\\ud800"],"user":"\\udc00"}',
    ),
  },
  {
    name: "NUL in everything",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":"\\u0000"}],"stop":"\\u0000","user":"\\u0000","input":"\\u0000"}',
    ),
  },
  {
    name: "content of every wrong kind",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":[null,1,"x",[],{"type":null},{"type":"text"},{"type":"text","text":5},{"type":"image_url"},{"type":"image_url","image_url":null}]}]}',
    ),
  },
  {
    name: "tools of every wrong kind",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":"x"}],"tools":[{},{"type":"function"},{"type":"function","function":null},{"type":"function","function":{"name":5}}],"tool_choice":{"function":{"name":null}}}',
    ),
  },
  {
    name: "a million messages of nothing",
    bytes: Buffer.from(`{"model":"oai-model","messages":[${"0,".repeat(500_000)}0]}`),
  },
  {
    name: "a picture that is none",
    bytes: Buffer.from(
      '{"model":"ant-model","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%%%"}},{"type":"image_url","image_url":{"url":"data:,"}},{"type":"image_url","image_url":{"url":"javascript:1"}}]}]}',
    ),
  },
];

/** Paths that name a file outside, in every spelling. @param directory A folder with a file `secret.txt`. */
export function HOSTILE_PATHS(directory: string): string[] {
  const targets = [`${directory}/secret.txt`, "/etc/passwd", "/package.json"];
  const roots = [
    "/",
    "/docs/",
    "/v1/models/",
    "/v1/responses/",
    "/v1/requests/",
    "/health/model/",
    "/admin/keys/",
    "/status/",
  ];
  const paths: string[] = [];
  for (const root of roots) {
    for (const target of targets) {
      const up = "../".repeat(12);
      const bare = target.slice(1);
      paths.push(
        `${root}${up}${bare}`,
        `${root}${up.replaceAll("../", "..%2f")}${bare.replaceAll("/", "%2f")}`,
        `${root}${up.replaceAll("..", "%2e%2e")}${bare}`,
        `${root}${up.replaceAll("../", "%252e%252e%252f")}${bare}`,
        `${root}${up.replaceAll("../", "..\\")}${bare}`,
        `${root}${up.replaceAll("../", "....//")}${bare}`,
        `${root}/${target}`,
        `${root}${up}${bare}%00.html`,
        `${root}file:${target}`,
      );
    }
  }
  return paths;
}

const HEAD =
  "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer $KEY\r\nContent-Type: application/json\r\n";
const CHAT = '{"model":"oai-model","messages":[{"role":"user","content":"x"}]}';
const SMUGGLED = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer $KEY\r\nContent-Type: application/json\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`;

/** Requests that two servers in a row would read differently, and such as no server should take. */
export const HOSTILE_REQUESTS: readonly { readonly name: string; readonly bytes: string }[] = [
  { name: "CL and TE", bytes: `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}` },
  { name: "TE and CL", bytes: `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}` },
  { name: "two lengths", bytes: `${HEAD}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}` },
  { name: "two lengths in one", bytes: `${HEAD}Content-Length: 0, ${SMUGGLED.length}\r\n\r\n${SMUGGLED}` },
  { name: "TE of another name", bytes: `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}` },
  {
    name: "TE twice",
    bytes: `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  },
  { name: "chunked not last", bytes: `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}` },
  { name: "a space before the colon", bytes: `${HEAD}Content-Length : 0\r\n\r\n${SMUGGLED}` },
  { name: "TE with a space before the colon", bytes: `${HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}` },
  { name: "a length with a sign", bytes: `${HEAD}Content-Length: +${CHAT.length}\r\n\r\n${CHAT}` },
  { name: "a negative length", bytes: `${HEAD}Content-Length: -1\r\n\r\n${CHAT}` },
  { name: "a hexadecimal length", bytes: `${HEAD}Content-Length: 0x40\r\n\r\n${CHAT}` },
  { name: "a length beyond numbers", bytes: `${HEAD}Content-Length: 99999999999999999999999999\r\n\r\n${CHAT}` },
  { name: "a broken chunk size", bytes: `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n${CHAT}\r\n0\r\n\r\n` },
  {
    name: "a chunk size beyond numbers",
    bytes: `${HEAD}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n${CHAT}\r\n0\r\n\r\n`,
  },
  {
    name: "a chunk longer than it says",
    bytes: `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n${CHAT}\r\n0\r\n\r\n${SMUGGLED}`,
  },
  { name: "NUL in a header", bytes: `${HEAD}X-A: a\u0000b\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}` },
  {
    name: "a bare CR in a header",
    bytes: `${HEAD}X-A: a\rContent-Length: 0\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
  },
  {
    name: "a bare LF in a header",
    bytes: `${HEAD}X-A: a\nContent-Length: 0\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
  },
  {
    name: "a folded header",
    bytes: `${HEAD}X-A: a\r\n Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
  },
  { name: "a header without a name", bytes: `${HEAD}: x\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}` },
  { name: "a header name with a space", bytes: `${HEAD}X A: 1\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}` },
  {
    name: "no Host",
    bytes: `POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer $KEY\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
  },
  {
    name: "two Hosts",
    bytes: `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nAuthorization: Bearer $KEY\r\nContent-Type: application/json\r\nContent-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
  },
  { name: "a version that is none", bytes: `POST /v1/chat/completions HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n` },
  { name: "a method that is none", bytes: `PO ST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n` },
  { name: "a space in the path", bytes: `GET /health HTTP/1.1\r\nX: y HTTP/1.1\r\nHo st: 127.0.0.1\r\n\r\n` },
  { name: "no HTTP at all", bytes: "hello\r\n\r\n" },
  { name: "TLS", bytes: "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1\u0003\u0003" },
  { name: "HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
  {
    name: "headers without end",
    bytes: `GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${"x".repeat(100_000)}\r\n\r\n`,
  },
];
