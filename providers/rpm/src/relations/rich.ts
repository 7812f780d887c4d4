import { rpmError } from '../errors.js';
import { parseEvr } from './evr.js';
import { parseSense } from './relation.js';
import type { Relation, RelationTable } from './relation.js';

/** A boolean dependency, taken apart. `with` and `without` speak of one package, the others of the whole installation. */
export type Rich =
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'and' | 'or' | 'with' | 'without'; readonly operands: readonly Rich[] }
  /** `then if condition else otherwise`; `unless` holds `then` when the condition does not hold. */
  | { readonly kind: 'if' | 'unless'; readonly then: Rich; readonly condition: Rich; readonly otherwise: Rich | undefined };

/** Deeper nesting than this is an attack. */
const MAX_DEPTH = 32;

const OPERATORS = new Set(['and', 'or', 'if', 'unless', 'with', 'without']);

/** True for a name that is a boolean dependency. */
export function isRich(name: string): boolean {
  return name.startsWith('(');
}

/**
 * Parses a boolean dependency: `(a >= 1 if b else (c or d))`.
 *
 * As in rpm, `and`, `or` and `with` chain, no two operators mix on one level, `if` may not stand below `or` nor `unless` below `and`, and
 * below `with` and `without` only these and `or` may stand.
 *
 * @param table makes the relations.
 * @throws `ICT_RPM_RELATION_INVALID`
 * @see rpm's manual, "boolean dependencies"
 */
export function parseRich(text: string, table: RelationTable): Rich {
  const parser = new RichParser(text, table);
  return parser.parse();
}

class RichParser {
  readonly #text: string;
  readonly #table: RelationTable;
  #at = 0;

  constructor(text: string, table: RelationTable) {
    this.#text = text;
    this.#table = table;
  }

  parse(): Rich {
    const rich = this.#group(0);
    if (this.#at !== this.#text.length) throw this.#invalid(`something follows its closing parenthesis`);
    checkNesting(rich, undefined, (reason) => this.#invalid(reason));
    return rich;
  }

  #group(depth: number): Rich {
    if (depth > MAX_DEPTH) throw this.#invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    if (this.#text[this.#at] !== '(') throw this.#invalid('an opening parenthesis is missing');
    this.#at++;
    const operands: Rich[] = [this.#operand(depth)];
    let operator: string | undefined;
    let otherwise: Rich | undefined;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] === ')') break;
      const word = this.#word();
      if (word === 'else' && (operator === 'if' || operator === 'unless') && operands.length === 2 && otherwise === undefined) {
        otherwise = this.#operand(depth);
        continue;
      }
      if (!OPERATORS.has(word)) throw this.#invalid(`"${word}" is no operator that may stand here`);
      if (operator !== undefined && (operator !== word || !['and', 'or', 'with'].includes(word))) {
        throw this.#invalid(`"${operator}" cannot be chained with "${word}"; use parentheses`);
      }
      operator = word;
      operands.push(this.#operand(depth));
    }
    this.#at++;
    return assemble(operator, operands, otherwise);
  }

  #operand(depth: number): Rich {
    this.#skipSpace();
    if (this.#text[this.#at] === '(') return this.#group(depth + 1);
    const name = this.#word();
    this.#skipSpace();
    const sign = /^[<>=]+/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0];
    if (sign === undefined) return { kind: 'relation', relation: this.#table.relation(name) };
    const sense = parseSense(sign);
    if (sense === undefined) throw this.#invalid(`"${sign}" is no comparison`);
    this.#at += sign.length;
    this.#skipSpace();
    try {
      return { kind: 'relation', relation: this.#table.relation(name, sense, parseEvr(this.#word())) };
    } catch (cause) {
      throw this.#invalid('it compares with something that is no version', cause);
    }
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  /** Up to white space or a parenthesis that closes more than was opened inside the word: names such as `perl(Foo::Bar)` have their own. */
  #word(): string {
    const start = this.#at;
    let open = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!;
      if (/\s/.test(character)) break;
      if (character === '(') open++;
      else if (character === ')' && open-- === 0) break;
    }
    if (this.#at === start) throw this.#invalid(start === this.#text.length ? 'it ends too early' : 'a name is missing');
    return this.#text.slice(start, this.#at);
  }

  #invalid(reason: string, cause?: unknown): Error {
    return rpmError('ICT_RPM_RELATION_INVALID', {
      message: `"${this.#text.slice(0, 200)}" is no boolean dependency: ${reason}`,
      hint: 'The repository was published with a broken package; report it to the repository.',
      facts: { relation: this.#text, at: this.#at },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

function assemble(operator: string | undefined, operands: readonly Rich[], otherwise: Rich | undefined): Rich {
  switch (operator) {
    case undefined:
      return operands[0]!;
    case 'if':
    case 'unless':
      return { kind: operator, then: operands[0]!, condition: operands[1]!, otherwise };
    default:
      return { kind: operator as 'and' | 'or' | 'with' | 'without', operands };
  }
}

/** rpm's rules on what may stand below what. */
function checkNesting(rich: Rich, above: Rich['kind'] | undefined, invalid: (reason: string) => Error): void {
  if (rich.kind === 'relation') return;
  if ((above === 'with' || above === 'without') && !['with', 'without', 'or'].includes(rich.kind)) {
    throw invalid(`"${rich.kind}" may not stand below "${above}"`);
  }
  if (rich.kind === 'if' && above === 'or') throw invalid('"if" may not stand below "or"');
  if (rich.kind === 'unless' && above === 'and') throw invalid('"unless" may not stand below "and"');
  for (const part of partsOf(rich)) checkNesting(part, rich.kind, invalid);
}

/** The relations that a boolean dependency is made of, in order. */
export function relationsIn(rich: Rich): readonly Relation[] {
  return rich.kind === 'relation' ? [rich.relation] : partsOf(rich).flatMap(relationsIn);
}

function partsOf(rich: Exclude<Rich, { kind: 'relation' }>): readonly Rich[] {
  if ('operands' in rich) return rich.operands;
  return [rich.then, rich.condition, ...(rich.otherwise === undefined ? [] : [rich.otherwise])];
}
