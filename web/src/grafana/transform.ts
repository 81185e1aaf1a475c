import {
  type DataFrame,
  type DataTransformerConfig,
  type InterpolateFunction,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from "@grafana/data";

let registered = false;

/** Registers Grafana's transformers once; the registry refuses a second time. */
function registerTransformers(): void {
  if (registered) return;
  registered = true;
  standardTransformersRegistry.setInit(() =>
    [...new Set(Object.values(standardTransformers))].map((transformer) => ({
      id: transformer.id,
      name: transformer.name,
      editor: () => null,
      transformation: () => Promise.resolve(transformer),
      imageDark: "",
      imageLight: "",
    })),
  );
}

/** Runs a panel's transformations in order. An unknown transformation leaves the frames as they are. */
export async function transformFrames(
  transformations: readonly DataTransformerConfig[],
  frames: DataFrame[],
  interpolate: InterpolateFunction,
): Promise<DataFrame[]> {
  if (transformations.length === 0) return frames;
  registerTransformers();
  const stream = transformDataFrame([...transformations], frames, { interpolate });
  return new Promise((resolve, reject) => {
    let latest = frames;
    stream.subscribe({ next: (value) => (latest = value), error: reject, complete: () => resolve(latest) });
  });
}
