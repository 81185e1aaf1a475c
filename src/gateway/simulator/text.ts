import type { Random } from "./random.ts";

const STOP_WORDS = new Set(
  (
    "a an and are as at be but by can could do does explain for from give has have how i in into is it its let list me " +
    "my of on one or our please say short should show so some tell than that the their them there these this to us use was " +
    "we were two three four five ten tips ideas steps ways reasons list give best better good new what when where which who why will with would write you your about between briefly compare describe"
  ).split(" "),
);

const OPENINGS = [
  "Here is a short way to think about {topic}.",
  "Good question: {topic} is easier than it looks once its parts are named.",
  "In brief, {topic} comes down to three things.",
  "Let us take {topic} step by step.",
  "The useful starting point for {topic} is what you want to be true at the end.",
];

const SENTENCES = [
  "First, write down the goal and the limits, because most trouble with {topic} begins where they are vague.",
  "Keep the first version small, measure it, and only then decide what deserves more work.",
  "{Detail} matters more than people expect, so give it a name and an owner early.",
  "A simple check helps: change one thing at a time and see whether {detail} follows.",
  "Where numbers are involved, look at the slowest one percent and not at the average.",
  "If two options look equal, choose the one that is easier to undo later.",
  "Many teams find that {topic} improves once the feedback arrives within minutes instead of days.",
  "It also pays to say what is out of scope, so that nobody waits for it.",
  "The usual mistake is to treat {detail} as an afterthought and to pay for it at the worst moment.",
  "For {topic}, a table with one row per case is often clearer than three paragraphs.",
  "Once that works, automate it, and let the machine complain before a person has to.",
  "None of this needs special tools; a short list and a calm hour are enough.",
];

const CLOSINGS = [
  "That covers the essentials; tell me which part you would like in more depth.",
  "With that in place, the rest is mostly patience.",
  "Start there, and revisit {topic} after a week of real use.",
  "If you share your constraints, I can make this more concrete.",
];

const CODE = [
  '```python\ndef total(values):\n    """Adds what can be added and skips the rest."""\n    return sum(v for v in values if isinstance(v, (int, float)))\n```',
  "```ts\nexport function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {\n  const groups = new Map<string, T[]>();\n  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);\n  return groups;\n}\n```",
  "```sql\nSELECT customer, count(*) AS orders\nFROM orders\nWHERE created_at > now() - interval '7 days'\nGROUP BY customer\nORDER BY orders DESC;\n```",
];

/** The words of a prompt that carry its meaning, in order, at most 12. */
export function keyWords(prompt: string): string[] {
  const words = prompt.slice(0, 2_000).match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? [];
  const kept = words.filter((word) => word.length > 2 && !STOP_WORDS.has(word.toLowerCase()));
  return [...new Set(kept)].slice(0, 12);
}

/** A sensible answer about the prompt, close to `tokens` tokens long. */
export function answerText(prompt: string, tokens: number, random: Random): string {
  if (/^\s*(hi|hello|hey|good (morning|day|evening))\b/i.test(prompt) && prompt.length < 60) {
    return "Hello! This is GatewayZ's built-in simulator. Ask me anything; the answers are made up, the telemetry is real.";
  }
  const words = keyWords(prompt);
  const topic = words.length === 0 ? "this" : words.slice(0, 3).join(" ").toLowerCase();
  const fill = (template: string): string => {
    const detail = words.length === 0 ? "detail" : random.pick(words).toLowerCase();
    const capital = detail.charAt(0).toUpperCase() + detail.slice(1);
    return template.replaceAll("{topic}", topic).replaceAll("{detail}", detail).replaceAll("{Detail}", capital);
  };
  const parts = [fill(random.pick(OPENINGS))];
  const asList = /\b(list|steps|tips|ideas|ways|reasons)\b/i.test(prompt);
  const unused = [...SENTENCES];
  // About 1.3 tokens a word; the closing takes its share.
  let wordsLeft = tokens / 1.3 - 30;
  while (wordsLeft > 0 && unused.length > 0) {
    const [template] = unused.splice(random.integer(0, unused.length - 1), 1);
    const sentence = fill(template!);
    parts.push(asList ? `\n- ${sentence}` : sentence);
    wordsLeft -= sentence.split(" ").length;
  }
  if (/\b(code|function|python|typescript|javascript|sql|script|query)\b/i.test(prompt))
    parts.push(`\n\n${random.pick(CODE)}\n\n`);
  parts.push(`${asList ? "\n\n" : ""}${fill(random.pick(CLOSINGS))}`);
  return parts.join(" ").replaceAll(/ (\n+) ?/g, "$1");
}

/** Pieces as a model would stream them, about a token each. */
export function pieces(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}']{1,7}|\s*[^\p{L}\p{N}\s']+|\s+/gu) ?? [];
}
