import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { TemplateCode } from '../errors.js';
import { formatPath, type Path } from './path.js';
import { orderProblems, problem } from '../problems/problem.js';
import { sourceSnippet } from '../problems/snippet.js';
import { beyondBounds, MAX_DEPTH } from './yaml-bounds.js';
import { parserProblem, TOO_DEEP } from './yaml-problem.js';
import { type DocumentScan, scanDocument, type TextRange } from './yaml-scan.js';

/** Where the nodes of a document are. */
export interface DocumentPositions {
  readonly file: string;
  /** Place of the value at `path`, or undefined when nothing is there. */
  positionOf(path: Path): SourcePosition | undefined;
  /** Place in the value at `path` where `text` is written first and no "$" before it; of the value where it is not written so. */
  positionIn(path: Path, text: string): SourcePosition | undefined;
  /** Place of the key that leads to `path`; for items of lists, of the item. */
  keyPositionOf(path: Path): SourcePosition | undefined;
  /** The value's own text as written, or undefined when nothing is there. */
  sourceOf(path: Path): string | undefined;
  /** The line of a place with a caret below. */
  snippet(position: SourcePosition): string;
  /** Every value's place, by {@link formatPath}. */
  entries(): ReadonlyMap<string, SourcePosition>;
}

/** A YAML file as plain data. */
export interface YamlDocument {
  /** Mappings, lists, text, numbers, booleans; keys without a value are left out. Undefined when `problems` has an error. */
  readonly data: unknown;
  readonly positions: DocumentPositions;
  readonly problems: readonly ProblemReport[];
}

/** Bounds on what a file may make us do. A file beyond them is refused. */
export const MAX_BYTES = 1024 * 1024;
const MAX_NODES = 100_000;
const MAX_ALIASES = 1000;
const MAX_KEY = 1024;

/** One entry of a mapping. */
interface Entry {
  readonly key: unknown;
  readonly value: unknown;
  /** Brought in by `<<` from another mapping. */
  readonly inherited?: boolean;
}

/** True for the entry `<<`, which brings in the entries of another mapping. @see https://yaml.org/type/merge.html */
function isMerge({ key }: Entry): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

const TOO_MANY_ALIASES = `the file uses more than ${MAX_ALIASES} aliases`;
const TWO_MERGES = 'a mapping has "<<" twice';
const MERGE_LIST = 'Give a list: <<: [*first, *second]';

/** What is wrong with an alias of this target. Its name is not repeated: a password may begin with "*" as well. */
function badAlias(target: Node | undefined): string {
  return target === undefined ? 'no anchor of this name stands before the alias' : 'the alias stands inside what it refers to';
}

const OPEN_QUOTE = 'the quote that begins here does not close';
const OPEN_QUOTE_HINT = 'Close it at the end of the text.';

interface Place {
  readonly key: number | undefined;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads one YAML 1.2 document (core schema) into plain data and the place of each node.
 *
 * Never throws: all syntax errors are in `problems`. Refused beside what YAML refuses: keys given twice, keys that are not
 * plain values, tags that have no meaning here, NUL characters, several documents, and files beyond the bounds above
 * (aliases included, so that a small file cannot grow). Of YAML 1.1, `<<` brings in the entries of another mapping.
 *
 * @param file named in positions; nothing is read from disk
 */
export function parseYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  const reader = new Reader(text, file, lines);
  if (text.length > MAX_BYTES) {
    reader.report('ICT_DOCUMENT_SYNTAX', `the file has more than ${MAX_BYTES} characters`, 0);
    return reader.finish(undefined);
  }
  const beyond = beyondBounds(text);
  if (beyond !== undefined) {
    lines.lineStarts = [0, ...Array.from(text.slice(0, beyond.offset).matchAll(/\n/g), ({ index }) => index + 1)];
    reader.report('ICT_DOCUMENT_SYNTAX', beyond.what, beyond.offset);
    return reader.finish(undefined);
  }
  let document: Document.Parsed;
  let scan: DocumentScan;
  try {
    document = parseDocument(text, {
      version: '1.2',
      lineCounter: lines,
      uniqueKeys: false,
      merge: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    scan = scanDocument(document);
  } catch (cause) {
    // The parser recurses: a hostile depth exhausts its stack. Whatever else it may throw is about this text too.
    reader.report('ICT_DOCUMENT_SYNTAX', cause instanceof RangeError ? TOO_DEEP : 'the file cannot be read as YAML', 0);
    return reader.finish(undefined);
  }
  reader.hide(scan.secrets);
  const open = scan.openQuote;
  if (open !== undefined) reader.report('ICT_DOCUMENT_SYNTAX', OPEN_QUOTE, open.start, OPEN_QUOTE_HINT);
  const end = text.trimEnd().length;
  for (const error of [...document.errors, ...document.warnings]) {
    // A quote that does not close takes in all that follows: the rest is what comes of it.
    if (open !== undefined && error.pos[0] >= open.start) continue;
    const { message, hint } = parserProblem(error);
    reader.report('ICT_DOCUMENT_SYNTAX', message, Math.min(error.pos[0], end), hint);
  }
  const directive = document.directives.yaml;
  if (directive.explicit === true && directive.version !== '1.2') {
    reader.report('ICT_DOCUMENT_SYNTAX', `the file says that it is YAML ${directive.version}; only 1.2 is read`, 0);
  }
  const data = reader.problems.length === 0 ? reader.value(document.contents, [], scan.targets, 0, undefined) : undefined;
  return reader.finish(data);
}

class Reader {
  readonly problems: ProblemReport[] = [];
  private readonly text: string;
  /** The text as snippets show it. */
  private shown: string;
  private readonly file: string;
  private readonly lines: LineCounter;
  private readonly places = new Map<string, Place>();
  private readonly open = new Set<unknown>();
  private nodes = 0;
  private aliases = 0;

  constructor(text: string, file: string, lines: LineCounter) {
    this.text = text;
    this.shown = text;
    this.file = file;
    this.lines = lines;
  }

  /** Keeps these parts of the text out of all snippets: stars stand for them, so that columns stay where they are. */
  hide(secrets: readonly TextRange[]): void {
    const pieces: string[] = [];
    let done = 0;
    // One may lie in another.
    for (const [from, to] of [...secrets].sort(([a], [b]) => a - b)) {
      if (to <= done) continue;
      const start = Math.max(from, done);
      pieces.push(this.text.slice(done, start), this.text.slice(start, to).replace(/[^\r\n]|\r(?!\n)/g, '*'));
      done = to;
    }
    this.shown = pieces.join('') + this.text.slice(done);
  }

  report(code: TemplateCode, message: string, offset: number, hint?: string): void {
    const position = this.positionAt(offset);
    this.problems.push(problem(code, message, { position, snippet: this.snippet(position), ...(hint === undefined ? {} : { hint }) }));
  }

  /** Counts more values; true, and reported once, when there are too many of them. */
  private isCrowded(more: number, offset: number): boolean {
    const crowded = this.nodes > MAX_NODES;
    this.nodes += more;
    if (!crowded && this.nodes > MAX_NODES)
      this.report('ICT_DOCUMENT_SYNTAX', `the file has more than ${MAX_NODES} values, aliases counted in`, offset);
    return this.nodes > MAX_NODES;
  }

  /** Plain data of a node; records its place and those of all below. */
  value(node: unknown, path: Path, targets: ReadonlyMap<Alias, Node>, depth: number, key: number | undefined): unknown {
    const range = (node as Node | null)?.range;
    const start = range?.[0] ?? key ?? 0;
    this.places.set(formatPath(path), { key, start, end: range?.[1] ?? start });
    if (this.isCrowded(1, start)) return undefined;
    if (depth > MAX_DEPTH) {
      this.report('ICT_DOCUMENT_SYNTAX', TOO_DEEP, start);
      return undefined;
    }
    if (isAlias(node)) {
      if (++this.aliases > MAX_ALIASES) {
        if (this.aliases === MAX_ALIASES + 1) this.report('ICT_DOCUMENT_SYNTAX', TOO_MANY_ALIASES, start);
        return undefined;
      }
      const target = targets.get(node);
      if (target === undefined || this.open.has(target)) {
        this.report('ICT_DOCUMENT_SYNTAX', badAlias(target), start);
        return undefined;
      }
      const value = this.value(target, path, targets, depth + 1, key);
      this.places.set(formatPath(path), { key, start, end: range?.[1] ?? start });
      return value;
    }
    if (isScalar(node)) return this.scalar(node.value, start);
    if (isSeq(node)) {
      this.open.add(node);
      const list = node.items.map((item, index) => this.value(item, [...path, index], targets, depth + 1, undefined));
      this.open.delete(node);
      return list;
    }
    if (isMap(node)) {
      this.open.add(node);
      const record = this.mapping(this.entries(node, targets), path, targets, depth);
      this.open.delete(node);
      return record;
    }
    return null;
  }

  /** The entries of a mapping, and after them those that its `<<` bring in, the first source first. */
  private entries(node: YAMLMap, targets: ReadonlyMap<Alias, Node>): readonly Entry[] {
    const [sources, own] = [node.items.filter(isMerge), node.items.filter((item) => !isMerge(item))];
    const [, second] = sources;
    if (second !== undefined) this.report('ICT_DOCUMENT_DUPLICATE_KEY', TWO_MERGES, (second.key as Node).range?.[0] ?? 0, MERGE_LIST);
    return [...own, ...sources.slice(0, 1).flatMap(({ key, value }) => this.inherited(value, key as Node, targets))];
  }

  /** What one mapping, or each of a list of them, brings in. */
  private inherited(source: unknown, key: Node, targets: ReadonlyMap<Alias, Node>): readonly Entry[] {
    if (isSeq(source)) return source.items.flatMap((item) => this.inherited(item, key, targets));
    const start = (source as Node | null)?.range?.[0] ?? key.range?.[0] ?? 0;
    const target = (isAlias(source) ? targets.get(source) : source) as Node | undefined;
    if (isAlias(source) && (target === undefined || this.open.has(target))) {
      this.report('ICT_DOCUMENT_SYNTAX', badAlias(target), start);
      return [];
    }
    if (!isMap(target)) {
      this.report('ICT_DOCUMENT_WRONG_TYPE', '"<<" takes a mapping of keys to values, or a list of them', start, 'For example <<: *base');
      return [];
    }
    if (isAlias(source) && ++this.aliases > MAX_ALIASES) {
      if (this.aliases === MAX_ALIASES + 1) this.report('ICT_DOCUMENT_SYNTAX', TOO_MANY_ALIASES, start);
      return [];
    }
    this.open.add(target);
    const entries = this.entries(target, targets).map(({ key: name, value }) => ({ key: name, value, inherited: true }));
    this.open.delete(target);
    return this.isCrowded(entries.length, start) ? [] : entries;
  }

  private scalar(value: unknown, offset: number): unknown {
    if (typeof value === 'string' && value.includes('\0'))
      this.report('ICT_DOCUMENT_BAD_VALUE', 'the text contains a NUL character', offset);
    // What `!!binary` and other tags of YAML 1.1 make.
    if (typeof value === 'object' && value !== null) {
      this.report('ICT_DOCUMENT_SYNTAX', 'the tag before the value has no meaning here', offset, 'Write the value as plain text.');
      return undefined;
    }
    return value;
  }

  private mapping(items: readonly Entry[], path: Path, targets: ReadonlyMap<Alias, Node>, depth: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    const first = new Map<string, number>();
    for (const { key, value, inherited = false } of items) {
      const range = (key as Node | null)?.range;
      const offset = range?.[0] ?? (value as Node | null)?.range?.[0] ?? 0;
      if (!isScalar(key) || key.value === null) {
        this.report('ICT_DOCUMENT_SYNTAX', 'a key must be a plain word', offset);
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : this.text.slice(range?.[0], range?.[1]);
      if (name.length > MAX_KEY) {
        this.report('ICT_DOCUMENT_SYNTAX', `a key has more than ${MAX_KEY} characters`, offset);
        continue;
      }
      this.scalar(name, offset);
      const earlier = first.get(name);
      // What a mapping says itself wins over what it brings in.
      if (earlier !== undefined && inherited) continue;
      if (earlier !== undefined) {
        const line = this.positionAt(earlier).line;
        this.report(
          'ICT_DOCUMENT_DUPLICATE_KEY',
          `the key ${JSON.stringify(name)} is given twice; line ${line} has it first`,
          offset,
          'Keep one of them.',
        );
        continue;
      }
      first.set(name, offset);
      const data = this.value(value, [...path, name], targets, depth + 1, offset);
      // A key without a value says nothing. `defineProperty`, because `__proto__` is a possible key.
      if (data !== null && data !== undefined)
        Object.defineProperty(record, name, { value: data, enumerable: true, writable: true, configurable: true });
    }
    return record;
  }

  finish(data: unknown): YamlDocument {
    const at = (path: Path): Place | undefined => this.places.get(formatPath(path));
    const positions: DocumentPositions = {
      file: this.file,
      positionOf: (path) => this.optional(at(path)?.start),
      positionIn: (path, text) => {
        const place = at(path);
        if (place === undefined) return undefined;
        let offset = this.text.indexOf(text, place.start);
        while (offset > place.start && this.text[offset - 1] === '$') offset = this.text.indexOf(text, offset + 1);
        return this.positionAt(offset !== -1 && offset < place.end ? offset : place.start);
      },
      keyPositionOf: (path) => this.optional(at(path)?.key ?? at(path)?.start),
      sourceOf: (path) => {
        const place = at(path);
        return place === undefined ? undefined : this.text.slice(place.start, place.end);
      },
      snippet: (position) => this.snippet(position),
      entries: () => new Map([...this.places].map(([path, place]) => [path, this.positionAt(place.start)])),
    };
    return { data: this.problems.length === 0 ? data : undefined, positions, problems: orderProblems(this.problems) };
  }

  private optional(offset: number | undefined): SourcePosition | undefined {
    return offset === undefined ? undefined : this.positionAt(offset);
  }

  private positionAt(offset: number): SourcePosition {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  private snippet(position: SourcePosition): string {
    const start = this.lines.lineStarts[position.line - 1] ?? 0;
    const end = this.shown.indexOf('\n', start);
    const line = this.shown.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
    return sourceSnippet(line, position.line, position.column);
  }
}
