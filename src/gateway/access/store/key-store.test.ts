import { keyStoreSuite } from "./testing-suite.ts";

keyStoreSuite(async () => ({ file: ":memory:" }));
