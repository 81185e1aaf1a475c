const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/** Parts of Go's reference time, the longer spellings first. */
const LAYOUT =
  /2006|January|Jan|01|Monday|Mon|MST|02|_2|15|03|04|05|[.,]0{1,9}|[.,]9{1,9}|06|PM|pm|Z07:00|-07:00|-0700|1|2|3|4|5/g;

/** Named layouts of Go's time package that templates may be given by name. */
const NAMED: Readonly<Record<string, string>> = {
  RFC3339: "2006-01-02T15:04:05Z07:00",
  RFC3339Nano: "2006-01-02T15:04:05.999999999Z07:00",
};

/** A time in UTC, written by a Go layout such as `2006-01-02 15:04:05`. */
export function formatGoTime(date: Date, layout: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const hour12 = date.getUTCHours() % 12 || 12;
  const plain: Record<string, string> = {
    "2006": String(date.getUTCFullYear()).padStart(4, "0"),
    "06": two(date.getUTCFullYear() % 100),
    January: MONTHS[date.getUTCMonth()]!,
    Jan: MONTHS[date.getUTCMonth()]!.slice(0, 3),
    "01": two(date.getUTCMonth() + 1),
    "1": String(date.getUTCMonth() + 1),
    Monday: DAYS[date.getUTCDay()]!,
    Mon: DAYS[date.getUTCDay()]!.slice(0, 3),
    "02": two(date.getUTCDate()),
    _2: String(date.getUTCDate()).padStart(2, " "),
    "2": String(date.getUTCDate()),
    "15": two(date.getUTCHours()),
    "03": two(hour12),
    "3": String(hour12),
    "04": two(date.getUTCMinutes()),
    "4": String(date.getUTCMinutes()),
    "05": two(date.getUTCSeconds()),
    "5": String(date.getUTCSeconds()),
    PM: date.getUTCHours() < 12 ? "AM" : "PM",
    pm: date.getUTCHours() < 12 ? "am" : "pm",
    MST: "UTC",
    "Z07:00": "Z",
    "-07:00": "+00:00",
    "-0700": "+0000",
  };
  return (NAMED[layout] ?? layout).replace(LAYOUT, (part) => {
    if (part[0] !== "." && part[0] !== ",") return plain[part]!;
    const digits = `${String(date.getUTCMilliseconds()).padStart(3, "0")}000000`.slice(0, part.length - 1);
    if (part[1] === "0") return part[0] + digits;
    const trimmed = digits.replace(/0+$/, "");
    return trimmed === "" ? "" : part[0] + trimmed;
  });
}

/** Reads a time by a Go layout; an invalid Date where the text does not follow it. Without a zone it is UTC. */
export function parseGoTime(text: string, layout: string): Date {
  const names: string[] = [];
  const written = NAMED[layout] ?? layout;
  let pattern = "";
  let at = 0;
  for (const match of written.matchAll(LAYOUT)) {
    pattern += escapeRegex(written.slice(at, match.index)) + shapeOf(match[0]);
    names.push(match[0]);
    at = match.index + match[0].length;
  }
  // A part given twice makes no sense, and repeated letters parts would let a hostile layout backtrack for ever.
  if (new Set(names).size < names.length) return new Date(Number.NaN);
  const found = new RegExp(`^${pattern}${escapeRegex(written.slice(at))}$`, "i").exec(text);
  if (found === null) return new Date(Number.NaN);
  return build(names, found.slice(1));
}

function shapeOf(part: string): string {
  if (part === "2006") return "(\\d{4})";
  if (/^[A-Z][a-z]/.test(part)) return "([a-z]{3,9})";
  if (part[0] === "." || part[0] === ",") return "([.,]\\d{1,9})?";
  if (part === "PM" || part === "pm") return "([ap]m)";
  if (part === "MST") return "([a-z]{3,4})";
  if (part.startsWith("Z")) return "(z|[-+]\\d{2}:\\d{2})";
  if (part.startsWith("-")) return "([-+]\\d{2}:?\\d{2})";
  return part.length === 1 ? "(\\d{1,2})" : "([ \\d]\\d)";
}

function build(names: readonly string[], values: readonly (string | undefined)[]): Date {
  const of = (...candidates: string[]): string | undefined =>
    values[names.findIndex((name) => candidates.includes(name))];
  const monthName = of("January", "Jan");
  const month =
    monthName === undefined
      ? Number(of("01", "1") ?? 1) - 1
      : MONTHS.findIndex((name) => name.toLowerCase().startsWith(monthName.slice(0, 3).toLowerCase()));
  const afternoon = of("PM", "pm")?.toLowerCase();
  const hour = Number(of("15", "03", "3") ?? 0);
  const hour24 = afternoon === undefined ? hour : (hour % 12) + (afternoon === "pm" ? 12 : 0);
  const fraction = values[names.findIndex((name) => name[0] === "." || name[0] === ",")];
  const zone = /^([-+])(\d{2}):?(\d{2})$/.exec(of("Z07:00", "-07:00", "-0700") ?? "");
  const shortYear = of("06");
  const year = Number(of("2006") ?? (shortYear === undefined ? 1970 : 2000 + Number(shortYear)));
  const ms = Date.UTC(
    year,
    month,
    Number(of("02", "2", "_2") ?? 1),
    hour24,
    Number(of("04", "4") ?? 0),
    Number(of("05", "5") ?? 0),
  );
  const offsetMs = zone === null ? 0 : (Number(zone[2]) * 60 + Number(zone[3])) * 60_000 * (zone[1] === "-" ? -1 : 1);
  return new Date(ms + Math.round(Number(`0${(fraction ?? ".0").replace(",", ".")}`) * 1_000) - offsetMs);
}

function escapeRegex(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
