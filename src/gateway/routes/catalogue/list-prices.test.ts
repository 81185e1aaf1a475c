import { calcPrice, type Provider, updatePrices, waitForUpdate } from "@pydantic/genai-prices";
import { afterAll, expect, test } from "vitest";
import { ListPrices } from "./list-prices.ts";

const MODEL = { provider: "openai", model: "gpt-4o" };
let replace: (providers: Provider[]) => void = () => undefined;
updatePrices(({ setProviderData }) => {
  replace = setProviderData;
});
const shipped = (await waitForUpdate()) as Provider[];
afterAll(() => replace(shipped));

test("a refreshed list is shown within ten minutes, and asked once until then", async () => {
  let nowMs = 1_700_000_000_000;
  const prices = new ListPrices(() => nowMs);
  const shown = async (): Promise<number | undefined> => (await prices.of([MODEL]))[0]!.price?.inputUsd;
  const before = await shown();
  expect(before).toBeGreaterThan(0);
  const dearer = structuredClone(shipped);
  const model = dearer.find(({ id }) => id === "openai")!.models.find(({ id }) => id === "gpt-4o")!;
  model.prices = { input_mtok: 77, output_mtok: 78 };
  replace(dearer);
  expect(calcPrice({ input_tokens: 1_000_000 }, "gpt-4o", { providerId: "openai" })?.input_price).toBe(77);
  nowMs += 599_000;
  expect(await shown()).toBe(before);
  nowMs += 2_000;
  expect(await shown()).toBe(77);
});
