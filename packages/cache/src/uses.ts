/** Last uses of entries of one kind. */
export interface UsesOfKind {
  /** Seconds since 1970; undefined for what nobody noted. */
  get(id: string): number | undefined;
}

/** Last uses by kind and id. */
export interface Uses {
  get(kind: string): UsesOfKind | undefined;
  all(): Iterable<readonly [kind: string, id: string, seconds: number]>;
}

/** What is known where nothing was noted, or nobody asks. */
export const noUses: Uses = { get: () => undefined, all: () => [] };

/** Longest parts of a line, in characters. */
const SECONDS_LENGTH = 12;
const KIND_LENGTH = 12;
const ID_LENGTH = 600;

type CountedUses = Map<string, Map<string, number>>;

/**
 * Last uses out of texts of lines `{seconds} {kind} {id}`. Lines that a crash or a full disk cut off are passed over. A text whose lines are in
 * order of kind and id, as the summary of a hundred thousand uses is, is not taken apart: what is asked for is looked up in it.
 *
 * @param latest what is later counts as used now: seconds since 1970.
 * @param now likewise.
 * @returns `ahead` says whether anything was later.
 */
export function usesIn(texts: readonly string[], latest: number, now: number): { readonly uses: Uses; readonly ahead: boolean } {
  const ordered: Uses[] = [];
  const counted: CountedUses = new Map();
  for (const text of texts) {
    const found = text.length < MANY ? undefined : orderedUses(text);
    if (found === undefined || found.latest > latest) readLines(text, counted);
    else ordered.push(found.uses);
  }
  let ahead = false;
  for (const ofKind of counted.values()) {
    ofKind.forEach((seconds, id) => {
      if (seconds <= latest) return;
      ofKind.set(id, now);
      ahead = true;
    });
  }
  return { uses: [...ordered, countedUses(counted)].reduce(latestOf), ahead };
}

/** Characters that are taken apart sooner than looked up. */
const MANY = 10_000;

function countedUses(counted: CountedUses): Uses {
  return {
    get: (kind) => counted.get(kind),
    *all() {
      for (const [kind, ids] of counted) for (const [id, seconds] of ids) yield [kind, id, seconds];
    },
  };
}

/** The later of two uses of each entry. */
function latestOf(a: Uses, b: Uses): Uses {
  return {
    get(kind) {
      const [one, other] = [a.get(kind), b.get(kind)];
      if (one === undefined || other === undefined) return one ?? other;
      return {
        get(id) {
          const [first, second] = [one.get(id), other.get(id)];
          return first === undefined || second === undefined ? (first ?? second) : Math.max(first, second);
        },
      };
    },
    *all() {
      for (const [kind, id, seconds] of a.all()) if (!((b.get(kind)?.get(id) ?? -1) >= seconds)) yield [kind, id, seconds];
      for (const [kind, id, seconds] of b.all()) if (!((a.get(kind)?.get(id) ?? -1) > seconds)) yield [kind, id, seconds];
    },
  };
}

/** Where the lines of one kind are in a text. */
interface Section {
  readonly from: number;
  readonly to: number;
}

/** @returns undefined where a line is none, or does not follow the one before it. `latest`: of all its uses. */
function orderedUses(text: string): { readonly uses: Uses; readonly latest: number } | undefined {
  const sections = new Map<string, { from: number; to: number }>();
  let latest = 0;
  let kind = '';
  let section: { from: number; to: number } | undefined;
  let before = 0; // where the id before begins
  for (let start = 0; start < text.length; ) {
    const at = text.indexOf(' ', start);
    const seconds = at === -1 ? undefined : digits(text, start, at);
    if (seconds === undefined || at - start > SECONDS_LENGTH) return undefined;
    if (seconds > latest) latest = seconds;
    let id = at + 1 + kind.length;
    if (section === undefined || !text.startsWith(kind, at + 1) || text.charCodeAt(id) !== BLANK) {
      id = text.indexOf(' ', at + 1);
      if (id === -1 || id - at - 1 > KIND_LENGTH) return undefined;
      const next = text.slice(at + 1, id);
      if (next.includes('\n') || next <= kind) return undefined;
      kind = next;
      sections.set(kind, (section = { from: start, to: start }));
    } else if (!isBefore(text, before, id + 1)) {
      return undefined;
    }
    before = id + 1;
    const end = endOfLine(text, before);
    if (end === before || end - before > ID_LENGTH) return undefined;
    section.to = start = end + 1;
  }
  return {
    latest,
    uses: {
      get: (name) => usesOfSection(text, name, sections.get(name)),
      *all() {
        for (const [name, { from, to }] of sections) {
          for (let start = from; start < to; ) {
            const end = endOfLine(text, start);
            const id = idAt(text, start, name);
            yield [name, text.slice(id, end), digits(text, start, id - name.length - 2) as number];
            start = end + 1;
          }
        }
      },
    },
  };
}

/** Most ask for one after the other as they are in the text: each is looked for from where the one before was. */
function usesOfSection(text: string, kind: string, section: Section | undefined): UsesOfKind | undefined {
  if (section === undefined) return undefined;
  let cursor = section.from;
  return {
    get(id) {
      let [from, to] = [section.from, section.to];
      for (let at = cursor; ; ) {
        const here = idAt(text, at, kind);
        const end = endOfLine(text, here);
        if (end - here === id.length && text.startsWith(id, here)) {
          cursor = end + 1 < section.to ? end + 1 : section.from;
          return digits(text, at, here - kind.length - 2);
        }
        if (text.slice(here, end) < id) from = end + 1;
        else to = at;
        if (from >= to) {
          cursor = from < section.to ? from : section.from;
          return undefined;
        }
        // After the line that was guessed, that in the middle of what is left.
        at = text.lastIndexOf('\n', ((from + to) >>> 1) - 1) + 1;
        if (at < from) at = from;
      }
    },
  };
}

const BLANK = 0x20;
const NEW_LINE = 0x0a;

function idAt(text: string, line: number, kind: string): number {
  return text.indexOf(' ', line) + kind.length + 2;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** Whether the line at `a` is, by its UTF-16 code units, before the one at `b`, which comes later in the text. */
function isBefore(text: string, a: number, b: number): boolean {
  for (;;) {
    const [one, other] = [text.charCodeAt(a++), text.charCodeAt(b++)];
    if (one !== other) return one === NEW_LINE || (other !== NEW_LINE && one < other);
    if (one === NEW_LINE) return false;
  }
}

/** Takes the lines of a text in, of each entry the latest. A pattern takes three times as long. */
function readLines(text: string, used: CountedUses): void {
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = endOfLine(text, start);
    const kind = text.indexOf(' ', start) + 1;
    const id = text.indexOf(' ', kind) + 1;
    if (kind === 0 || id === 0) return; // no line that follows is whole either
    if (id >= end || kind - start - 1 > SECONDS_LENGTH || id - kind - 1 > KIND_LENGTH || end - id > ID_LENGTH) continue;
    const seconds = digits(text, start, kind - 1);
    if (seconds === undefined || id - kind === 1) continue;
    const name = text.slice(kind, id - 1);
    let ofKind = used.get(name);
    if (ofKind === undefined) used.set(name, (ofKind = new Map()));
    const entry = text.slice(id, end);
    const before = ofKind.get(entry);
    if (before === undefined || before < seconds) ofKind.set(entry, seconds);
  }
}

/** A number of at least one decimal digit and nothing else; undefined for any other text. */
function digits(text: string, start: number, end: number): number | undefined {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    value = value * 10 + digit;
  }
  return start === end ? undefined : value;
}
