import { usageSuite } from "./testing-suite.ts";

usageSuite(async () => ({ file: ":memory:" }));
