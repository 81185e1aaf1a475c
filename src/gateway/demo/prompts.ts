/** Conversations that demo traffic picks from: short, so that a simulated or small real model answers them alike. */
export const SYSTEM_PROMPTS: readonly string[] = [
  "You are a concise assistant.",
  "You are a support agent of a bicycle shop. Answer kindly.",
  "You review code. Name the most important problem first.",
  "You translate between English and German.",
];

export const QUESTIONS: readonly string[] = [
  "What is the difference between latency and throughput?",
  "Summarise the causes of the 1986 Challenger accident in three sentences.",
  "Write a haiku about a queue that is never full.",
  "My rear brake squeaks when it rains. What should I check?",
  "Give me a regular expression for ISO 8601 dates, and one input that it wrongly accepts.",
  "Explain backpressure to a ten-year-old.",
  "Which SQL index helps `WHERE tenant = ? ORDER BY created_at DESC LIMIT 20`?",
  "Translate: 'The breaker opened because five calls failed in a row.'",
  "Suggest four names for an internal newsletter about reliability.",
  "Is 2,147,483,647 prime? Why does it look familiar?",
  "Draft a two-sentence apology to customers for ten minutes of slow answers.",
  "What would you put on a dashboard for on-call engineers, and what would you leave out?",
];

export const FOLLOW_UPS: readonly string[] = [
  "Shorter, please.",
  "Give an example.",
  "What is the strongest argument against that?",
  "Now as a bulleted list.",
];

/** JSON Schema of a tool's arguments, shared by both formats. */
const PARAMETERS = {
  type: "object",
  properties: {
    city: { type: "string", description: "Name of the city" },
    unit: { type: "string", enum: ["celsius", "fahrenheit"] },
  },
  required: ["city"],
};

export const TOOL = { name: "get_weather", description: "Current weather of a city", parameters: PARAMETERS };
export const TOOL_QUESTIONS: readonly string[] = [
  "What is the weather in Lisbon?",
  "Do I need a coat in Oslo today?",
  "How warm is it in Nairobi, in fahrenheit?",
];
