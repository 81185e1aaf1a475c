import { isAbsolute, join } from "node:path";
import type { HttpClientConfig, Secret, TlsConfig } from "./config-types.ts";
import type { YamlReader } from "./yaml-reader.ts";

/** Fields of `<http_config>` that Prometheus knows and this server accepts without effect. */
export const HTTP_FIELDS_UNSUPPORTED = [
  "oauth2",
  "enable_http2",
  "proxy_url",
  "no_proxy",
  "proxy_from_environment",
  "proxy_connect_header",
  "http_headers",
] as const;

/** Reads the HTTP client fields that stand inline in a scrape configuration. Relative files are resolved in `folder`. */
export function readHttpConfig(reader: YamlReader, folder: string): HttpClientConfig {
  const authorization = readAuthorization(reader, folder);
  const basicAuth = readBasicAuth(reader, folder);
  if (authorization !== undefined && basicAuth !== undefined) {
    reader.problems.add(
      reader.at("basic_auth"),
      "at most one of basic_auth, oauth2 & authorization must be configured",
    );
  }
  return {
    authorization,
    basicAuth,
    tls: readTls(reader, folder),
    followRedirects: reader.boolean("follow_redirects") ?? true,
  };
}

function readAuthorization(reader: YamlReader, folder: string): HttpClientConfig["authorization"] {
  const section = reader.mapping("authorization");
  const bearer = readSecret(reader, "bearer_token", "bearer_token_file", folder);
  if (section === undefined) return bearer === undefined ? undefined : { type: "Bearer", credentials: bearer };
  if (bearer !== undefined) {
    reader.problems.add(section.node, "authorization is not compatible with bearer_token & bearer_token_file");
  }
  const type = (section.string("type") ?? "").trim() || "Bearer";
  const credentials = readSecret(section, "credentials", "credentials_file", folder);
  section.finish("config.plain", ["credentials_ref"]);
  if (type.toLowerCase() === "basic") {
    section.problems.add(section.at("type"), 'authorization type cannot be set to "basic", use "basic_auth" instead');
  }
  return credentials === undefined ? undefined : { type, credentials };
}

function readBasicAuth(reader: YamlReader, folder: string): HttpClientConfig["basicAuth"] {
  const section = reader.mapping("basic_auth");
  if (section === undefined) return undefined;
  const username = readSecret(section, "username", "username_file", folder) ?? { value: "" };
  const password = readSecret(section, "password", "password_file", folder);
  section.finish("config.plain", ["username_ref", "password_ref"]);
  return { username, password };
}

function readSecret(reader: YamlReader, field: string, fileField: string, folder: string): Secret | undefined {
  const value = reader.string(field);
  const file = reader.string(fileField);
  if (value !== undefined && file !== undefined) {
    reader.problems.add(reader.at(field), `at most one of ${field} & ${fileField} must be configured`);
  }
  if (file !== undefined) return { file: resolvePath(folder, file) };
  return value === undefined ? undefined : { value };
}

function readTls(reader: YamlReader, folder: string): TlsConfig {
  const section = reader.mapping("tls_config");
  const path = (field: string): string | undefined => {
    const file = section?.string(field);
    return file === undefined ? undefined : resolvePath(folder, file);
  };
  const tls = {
    caFile: path("ca_file"),
    certFile: path("cert_file"),
    keyFile: path("key_file"),
    serverName: section?.string("server_name"),
    insecureSkipVerify: section?.boolean("insecure_skip_verify") ?? false,
  };
  section?.finish("config.plain", ["ca", "cert", "key", "min_version", "max_version", "ca_ref", "cert_ref", "key_ref"]);
  return tls;
}

/** `path` as it is when absolute, else inside `folder`. */
export function resolvePath(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
