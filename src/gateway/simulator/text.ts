import type { Random } from "./random.ts";

const STOP_WORDS = new Set(
  (
    "a an and are as at be but by can could do does explain for from give has have how i in into is it its let list me " +
    "my of on one or our please say short should show so some tell than that the their them there these this to us use was " +
    "we were two what when where which who why will with would write you your about between briefly compare describe"
  ).split(" "),
);

const OPENINGS = [
  "Here is a short way to think about {topic}.",
  "About {topic}, three things are worth knowing.",
  "In brief, {topic} is easier than it looks once its parts are named.",
  "Let us take {topic} step by step.",
  "A useful starting point for {topic} is what should be true at the end.",
];

const SENTENCES = [
  "First, write down the goal and the limits, because most trouble with {topic} begins where they are vague.",
  "Keep the first version small, measure it, and only then decide what deserves more work.",
  "The part about {detail} matters more than people expect, so look at it early.",
  "A simple check helps: change one thing at a time and see what happens to {detail}.",
  "Where numbers are involved, look at the slowest one percent and not at the average.",
  "If two options look equal, choose the one that is easier to undo later.",
  "Most people who work on {topic} do better once feedback arrives within minutes instead of days.",
  "It also pays to say what is out of scope, so that nobody waits for it.",
  "The usual mistake is to treat {detail} as an afterthought and to pay for it at the worst moment.",
  "A table with one row per case is often clearer than three paragraphs.",
  "Once that works, automate it, and let the machine complain before a person has to.",
  "None of this needs special tools; a short list and a calm hour are enough.",
];

const CLOSINGS = [
  "That covers the essentials; tell me which part you would like in more depth.",
  "With that in place, the rest is mostly patience.",
  "Start there, and revisit {topic} after a week of real use.",
  "If you share your constraints, I can make this more concrete.",
];

/** Code by the language that a prompt names; the last one when it names none. */
const CODE: readonly { readonly asked: RegExp; readonly text: string }[] = [
  {
    asked: /\bsql\b/i,
    text: "```sql\nSELECT customer, count(*) AS orders\nFROM orders\nWHERE created_at > now() - interval '7 days'\nGROUP BY customer\nHAVING count(*) > 1\nORDER BY orders DESC;\n```",
  },
  {
    asked: /\b(typescript|javascript|node|js|ts)\b/i,
    text: "```ts\nexport function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {\n  const groups = new Map<string, T[]>();\n  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);\n  return groups;\n}\n```",
  },
  {
    asked: /\b(code|function|python|script|regex|program)\b/i,
    text: '```python\ndef total(values):\n    """Adds what can be added and skips the rest."""\n    return sum(v for v in values if isinstance(v, (int, float)))\n```',
  },
];

/** What stands in front of a question's subject. */
const LEAD_IN =
  /^(please|can you|could you|would you|hey|ok|so|briefly|in short|what (is|are|was|were)|who (is|was)|explain( to me)?|describe|summari[sz]e|compare|define|tell me( about)?|write( me)?|draft|give( me)?|list|name|suggest|show( me)?|how (do|does|can|should|would) (i|we|you|one|it)|how (do|does|can)|why (is|are|do|does)|should (i|we)|translate|say|about|\d+|one|two|three|four|five|ten|tips|ideas|steps|ways|reasons|examples)\b[\s,:]*(for|of|to|about)?\s+/i;
const LEAD_INS_MAX = 4;
const TOPIC_WORDS_MAX = 7;

/** The subject of a prompt as a phrase that fits into a sentence. */
function topicOf(prompt: string): string {
  let phrase = prompt
    .slice(0, 400)
    .split(/[.?!\n]/, 1)[0]!
    .trim();
  for (let count = 0; count < LEAD_INS_MAX; count++) {
    const shorter = phrase.replace(LEAD_IN, "");
    if (shorter === phrase) break;
    phrase = shorter;
  }
  const words = phrase
    .replaceAll(/["'`*_{}[\]()]/g, "")
    .split(/\s+/)
    .filter(Boolean);
  if (words.length === 0 || phrase.length < 3) return "this";
  const cut = words.slice(0, TOPIC_WORDS_MAX);
  while (cut.length > 1 && STOP_WORDS.has(cut.at(-1)!.toLowerCase())) cut.pop();
  return cut.join(" ").replace(/[,;:]$/, "");
}

/** `12 * 7` in a prompt gets its result: people like to try that. */
function arithmetic(prompt: string): string | undefined {
  const match = /(-?\d{1,9}(?:\.\d{1,6})?)\s*([+*x×/÷-])\s*(-?\d{1,9}(?:\.\d{1,6})?)\s*(=|\?|$)/.exec(
    prompt.slice(0, 400),
  );
  if (match === null) return undefined;
  const [, left, sign, right] = match;
  const [a, b] = [Number(left), Number(right)];
  const result = sign === "+" ? a + b : sign === "-" ? a - b : sign === "/" || sign === "÷" ? a / b : a * b;
  return Number.isFinite(result) ? `${left} ${sign} ${right} = ${Number(result.toPrecision(12))}.` : undefined;
}

/** The words of a prompt that carry its meaning, in order, at most 12. */
export function keyWords(prompt: string): string[] {
  const words = prompt.slice(0, 2_000).match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? [];
  const kept = words.filter((word) => word.length > 2 && !STOP_WORDS.has(word.toLowerCase()));
  return [...new Set(kept)].slice(0, 12);
}

/** A sensible answer about the prompt, close to `tokens` tokens long. */
export function answerText(prompt: string, tokens: number, random: Random): string {
  if (/^\s*(please )?(say )?(hi|hello|hey|good (morning|day|evening))\b/i.test(prompt) && prompt.length < 60) {
    return "Hello! This is GatewayZ's built-in simulator. Ask me anything; the answers are made up, the telemetry is real.";
  }
  const result = arithmetic(prompt);
  if (result !== undefined) return result;
  const topic = topicOf(prompt);
  const details = keyWords(topic);
  const fill = (template: string): string => {
    const detail = details.length === 0 ? "details" : random.pick(details);
    return template.replaceAll("{topic}", topic).replaceAll("{detail}", detail);
  };
  const asList = /\b(list|steps|tips|ideas|ways|reasons)\b/i.test(prompt);
  const code = CODE.find(({ asked }) => asked.test(prompt));
  const parts = [fill(random.pick(OPENINGS))];
  const unused = [...SENTENCES];
  // About 1.3 tokens a word; the closing takes its share.
  let wordsLeft = tokens / 1.3 - 30;
  while (wordsLeft > 0 && unused.length > 0) {
    const [template] = unused.splice(random.integer(0, unused.length - 1), 1);
    const sentence = fill(template!);
    parts.push(asList ? `\n- ${sentence}` : sentence);
    wordsLeft -= sentence.split(" ").length;
  }
  if (code !== undefined) parts.push(`\n\n${code.text}\n\n`);
  parts.push(`${asList ? "\n\n" : ""}${fill(random.pick(CLOSINGS))}`);
  return parts.reduce((text, part) => `${text}${/\n$/.test(text) || part.startsWith("\n") ? "" : " "}${part}`);
}

/** Pieces as a model would stream them, about a token each. */
export function pieces(text: string): string[] {
  return text.match(/\s*[\p{L}\p{N}']{1,7}|\s*[^\p{L}\p{N}\s']+|\s+/gu) ?? [];
}
