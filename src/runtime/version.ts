/** The program's version; `package.json` has the same, compared by a test. */
export const VERSION = "0.1.0";
