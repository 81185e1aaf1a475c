import type { Provider } from "../provider.ts";
import type { Wire } from "../wire.ts";
import { finishChat, openAiWire } from "./openai.ts";
import { readModelIds, readProblem } from "./problem.ts";

/** The deployment behind a model's name; people usually give both the same name. */
function deploymentOf({ options }: Provider, model: string): string {
  return options.deployments[model] ?? model;
}

/** The v1 path, or that of the deployment with its `api-version`, where the configuration names one. */
function pathOf(provider: Provider, model: string, path: string): string {
  const { apiVersion } = provider.options;
  if (apiVersion === undefined) return `${provider.basePath}/openai/v1${path}`;
  const deployment = encodeURIComponent(deploymentOf(provider, model));
  return `${provider.basePath}/openai/deployments/${deployment}${path}?api-version=${encodeURIComponent(apiVersion)}`;
}

/** Azure OpenAI (REST API reference): OpenAI's format, addressed by deployment, with an `api-key` header. */
export const azureWire: Wire = {
  ...openAiWire,
  chatPath: (provider, model) => pathOf(provider, model, "/chat/completions"),
  finishChat(body, provider, model) {
    body["model"] = deploymentOf(provider, model);
    return finishChat(body, provider, model);
  },
  plain: (path) => ({
    path: (provider, model) => pathOf(provider, model, path),
    encode: (body, provider, model) => ({ body: { ...body, model: deploymentOf(provider, model) }, dropped: [] }),
  }),
  modelsPath(provider) {
    const { apiVersion } = provider.options;
    // That list has all that Azure offers, not what is deployed.
    return apiVersion === undefined ? `${provider.basePath}/openai/v1/models` : undefined;
  },
  readModelIds,
  authorize(_provider, { secret }) {
    const headers: Record<string, string> = {};
    // Entra ID's tokens are JWTs; keys are not.
    if (secret?.startsWith("eyJ")) headers["authorization"] = `Bearer ${secret}`;
    else if (secret !== undefined) headers["api-key"] = secret;
    return headers;
  },
  readProblem,
};
