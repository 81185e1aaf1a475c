import { admissionSuite } from "./testing-suite.ts";

// In one process the second gateway's admission is the first's.
admissionSuite(([first]) => [first!.local, first!.local]);
