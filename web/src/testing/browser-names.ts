/** Names that browsers have and Node 20 lacks, for tests of code that reads them: import this before such code. */
if (!("navigator" in globalThis)) {
  Object.defineProperty(globalThis, "navigator", {
    value: { language: "en-GB", languages: ["en-GB"] },
    configurable: true,
  });
}
