import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { TemplateCode } from './errors.js';
import { formatPath, type Path } from './path.js';
import { orderProblems, problem } from './problem.js';
import { sourceSnippet } from './snippet.js';
import { beyondBounds, MAX_DEPTH } from './yaml-bounds.js';
import { type DocumentScan, scanDocument, type TextRange } from './yaml-scan.js';

/** Where the nodes of a document are. */
export interface DocumentPositions {
  readonly file: string;
  /** Place of the value at `path`, or undefined when nothing is there. */
  positionOf(path: Path): SourcePosition | undefined;
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
const MAX_NODES = 200_000;
const MAX_ALIASES = 1000;
const MAX_KEY = 1024;

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
 * (aliases included, so that a small file cannot grow).
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
    const what = cause instanceof RangeError ? TOO_DEEP : String(cause instanceof Error ? cause.message : cause);
    reader.report('ICT_DOCUMENT_SYNTAX', `the file cannot be read as YAML: ${what}`, 0);
    return reader.finish(undefined);
  }
  reader.secrets = scan.secrets;
  for (const error of [...document.errors, ...document.warnings])
    reader.report('ICT_DOCUMENT_SYNTAX', sentence(error.message), error.pos[0]);
  const directive = document.directives.yaml;
  if (directive.explicit === true && directive.version !== '1.2') {
    reader.report('ICT_DOCUMENT_SYNTAX', `the file says that it is YAML ${directive.version}; only 1.2 is read`, 0);
  }
  const data = reader.problems.length === 0 ? reader.value(document.contents, [], scan.targets, 0, undefined) : undefined;
  return reader.finish(data);
}

const TOO_DEEP = `values are nested more than ${MAX_DEPTH} levels deep`;

/** First letter lower, no period: parser messages in the style of ours. */
function sentence(message: string): string {
  // The parser recurses, and reports an exhausted stack like a mistake of the file.
  if (/call stack/i.test(message)) return TOO_DEEP;
  const first = (message.split('\n')[0] ?? message).trim().replace(/\.$/, '');
  return first.charAt(0).toLowerCase() + first.slice(1);
}

class Reader {
  readonly problems: ProblemReport[] = [];
  /** Parts of the text that no snippet shows. */
  secrets: readonly TextRange[] = [];
  private readonly text: string;
  private readonly file: string;
  private readonly lines: LineCounter;
  private readonly places = new Map<string, Place>();
  private readonly open = new Set<unknown>();
  private nodes = 0;
  private aliases = 0;

  constructor(text: string, file: string, lines: LineCounter) {
    this.text = text;
    this.file = file;
    this.lines = lines;
  }

  report(code: TemplateCode, message: string, offset: number, hint?: string): void {
    const position = this.positionAt(offset);
    this.problems.push(problem(code, message, { position, snippet: this.snippet(position), ...(hint === undefined ? {} : { hint }) }));
  }

  /** Plain data of a node; records its place and those of all below. */
  value(node: unknown, path: Path, targets: ReadonlyMap<Alias, Node>, depth: number, key: number | undefined): unknown {
    const range = (node as Node | null)?.range;
    const start = range?.[0] ?? key ?? 0;
    this.places.set(formatPath(path), { key, start, end: range?.[1] ?? start });
    if (++this.nodes > MAX_NODES) {
      if (this.nodes === MAX_NODES + 1)
        this.report('ICT_DOCUMENT_SYNTAX', `the file has more than ${MAX_NODES} values, aliases counted in`, start);
      return undefined;
    }
    if (depth > MAX_DEPTH) {
      this.report('ICT_DOCUMENT_SYNTAX', TOO_DEEP, start);
      return undefined;
    }
    if (isAlias(node)) {
      if (++this.aliases > MAX_ALIASES) {
        if (this.aliases === MAX_ALIASES + 1) this.report('ICT_DOCUMENT_SYNTAX', `the file uses more than ${MAX_ALIASES} aliases`, start);
        return undefined;
      }
      const target = targets.get(node);
      if (target === undefined || this.open.has(target)) {
        const what = target === undefined ? `no anchor &${node.source} stands before` : 'it stands inside what it refers to:';
        this.report('ICT_DOCUMENT_SYNTAX', `${what} the alias *${node.source}`, start);
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
      const record = this.mapping(node.items, path, targets, depth);
      this.open.delete(node);
      return record;
    }
    return null;
  }

  private scalar(value: unknown, offset: number): unknown {
    if (typeof value === 'string' && value.includes('\0'))
      this.report('ICT_DOCUMENT_BAD_VALUE', 'the text contains a NUL character', offset);
    return value;
  }

  private mapping(
    items: readonly { readonly key: unknown; readonly value: unknown }[],
    path: Path,
    targets: ReadonlyMap<Alias, Node>,
    depth: number,
  ): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    const first = new Map<string, number>();
    for (const { key, value } of items) {
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
    const end = this.text.indexOf('\n', start);
    let line = this.text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
    for (const [from, to] of this.secrets) {
      const [first, last] = [Math.max(0, from - start), Math.min(line.length, to - start)];
      if (first < last) line = line.slice(0, first) + '*'.repeat(last - first) + line.slice(last);
    }
    return sourceSnippet(line, position.line, position.column);
  }
}
