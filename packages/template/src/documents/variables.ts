import type { ProblemReport } from '@ict/plugin-api';
import { isCryptHash } from '../sections/crypt.js';
import { nearest } from '../problems/nearest.js';
import { formatPath, type Path } from './path.js';
import { problem } from '../problems/problem.js';
import { SHORTEST_SECRET } from '../sections/secret-text.js';
import type { DocumentPositions } from './yaml-document.js';

/** Values that the caller has for variables. */
export interface VariableSources {
  /** From the command line; naming a variable that no template declares is an error. */
  readonly given?: ReadonlyMap<string, string>;
  /** `ICT_VAR_NAME` is looked for here. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A declared variable and its value. */
export interface Variable {
  readonly name: string;
  readonly description?: string;
  readonly secret: boolean;
  /** Undefined when none was given and there is no default. */
  readonly value: string | undefined;
  /** Where the value comes from, for people: `command line`, `environment ICT_VAR_SITE`, `default`. */
  readonly source: string;
}

/** One document whose `variables` count. */
export interface Declaring {
  readonly data: unknown;
  readonly positions: DocumentPositions;
}

/** Longest text that all values of variables together may add to a document, in UTF-16 units. */
const MAX_SUBSTITUTED = 1024 * 1024;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `${NAME}`, with what makes it stand for itself. */
const REFERENCE = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Gathers the variables that documents declare, root of the chain first, with their values. Declarations of the wrong form are
 * left to the schema.
 */
export function gatherVariables(
  documents: readonly Declaring[],
  sources: VariableSources,
): { readonly variables: ReadonlyMap<string, Variable>; readonly problems: readonly ProblemReport[] } {
  const variables = new Map<string, Variable>();
  const problems: ProblemReport[] = [];
  const reports = new Map<string, (message: string, hint: string) => ProblemReport>();
  for (const { data, positions } of documents) {
    for (const [name, declaration] of Object.entries(mapping(mapping(data)['variables']))) {
      const { description, default: fallback, secret } = mapping(declaration);
      const report = (message: string, hint: string): ProblemReport => {
        const position = positions.keyPositionOf(['variables', name]);
        const place = position === undefined ? {} : { position, snippet: positions.snippet(position) };
        return problem('ICT_TEMPLATE_VARIABLE', message, { ...place, hint });
      };
      if (!NAME.test(name)) {
        problems.push(report(`${JSON.stringify(name)} cannot be the name of a variable`, 'Letters, digits and "_".'));
        continue;
      }
      const earlier = variables.get(name);
      const own = typeof fallback === 'string' ? fallback : earlier?.source === 'default' ? earlier.value : undefined;
      variables.set(name, {
        name,
        ...(typeof description === 'string' ? { description } : {}),
        secret: secret === true || earlier?.secret === true,
        ...valueOf(name, own, sources),
      });
      reports.set(name, report);
    }
  }
  for (const { name, value, secret } of variables.values()) {
    const report = reports.get(name) as (message: string, hint: string) => ProblemReport;
    if (value === undefined)
      problems.push(
        report(`the variable ${name} has no value`, `Give it with --var ${name}=VALUE or ICT_VAR_${name}, or declare a default.`),
      );
    else if (secret && value !== '' && value.length < SHORTEST_SECRET)
      problems.push(
        report(
          `the value of the secret variable ${name} has fewer than ${SHORTEST_SECRET} characters`,
          'So short a text cannot be kept out of logs: it is part of too many words. Give a longer one.',
        ),
      );
  }
  for (const name of sources.given?.keys() ?? []) {
    if (variables.has(name)) continue;
    const near = nearest(name, [...variables.keys()]);
    const hint =
      near === undefined ? (emptyDeclaration(name, documents) ?? 'Declare it under "variables".') : `Did you mean ${JSON.stringify(near)}?`;
    problems.push(problem('ICT_TEMPLATE_VARIABLE', `no template declares the variable ${name}, which --var gives`, { hint }));
  }
  return { variables, problems };
}

/** What to do about a variable whose declaration has no value, and so counts as absent; undefined for one that is not there at all. */
function emptyDeclaration(name: string, documents: readonly Pick<Declaring, 'positions'>[]): string | undefined {
  if (documents.every(({ positions }) => positions.keyPositionOf(['variables', name]) === undefined)) return undefined;
  return `Write "${name}: {}" under "variables": a key without a value counts as absent.`;
}

function valueOf(name: string, fallback: string | undefined, { given, env }: VariableSources): Pick<Variable, 'value' | 'source'> {
  const flag = given?.get(name);
  if (flag !== undefined) return { value: flag, source: 'command line' };
  const variable = env?.[`ICT_VAR_${name}`];
  if (variable !== undefined) return { value: variable, source: `environment ICT_VAR_${name}` };
  return { value: fallback, source: fallback === undefined ? 'nowhere' : 'default' };
}

/** A document with the values of variables in place. */
export interface Substituted {
  readonly data: unknown;
  /** The values add more text than anyone wants; `data` is not whole then. */
  readonly problems: readonly ProblemReport[];
  /** Names that look like variables but are none, each once. */
  readonly warnings: readonly ProblemReport[];
  /** Values that stay as they are because a variable in them has no value: there is nothing to judge yet. */
  readonly unfilled: readonly Path[];
  /** Formatted paths of texts that the value of a secret variable is part of. */
  readonly secret: ReadonlySet<string>;
}

/** Puts the values of variables into a copy of a document's data. */
export function substitute({ data, positions }: Declaring, variables: ReadonlyMap<string, Variable>): Substituted {
  const warnings: ProblemReport[] = [];
  const problems: ProblemReport[] = [];
  const unfilled: Path[] = [];
  const secret = new Set<string>();
  const warned = new Set<string>();
  let substituted = 0;
  const place = (path: Path, position = positions.positionOf(path)) => {
    return position === undefined ? {} : { position, snippet: positions.snippet(position) };
  };
  const unknown = (name: string, path: Path): void => {
    if (warned.has(name)) return;
    warned.add(name);
    const near = nearest(name, [...variables.keys()]);
    warnings.push(
      problem('ICT_TEMPLATE_VARIABLE', `\${${name}} is not a declared variable and stays as it is`, {
        severity: 'warning',
        hint:
          near === undefined
            ? (emptyDeclaration(name, [{ positions }]) ?? `Declare it under "variables", or write $\${${name}} for the text itself.`)
            : `Did you mean "${near}"?`,
        ...place(path, positions.positionIn(path, `\${${name}}`)),
      }),
    );
  };
  const valueAt = (value: string, path: Path): string => {
    substituted += value.length;
    if (substituted <= MAX_SUBSTITUTED) return value;
    if (problems.length === 0) {
      const message = `the values of variables add more than ${MAX_SUBSTITUTED} characters to the template`;
      problems.push(problem('ICT_TEMPLATE_VARIABLE', message, place(path)));
    }
    return '';
  };
  const text = (value: string, path: Path): string =>
    isCryptHash(value)
      ? value
      : value.replace(REFERENCE, (whole, escape: string, name: string) => {
          if (escape !== '') return whole.slice(1);
          const variable = variables.get(name);
          if (variable === undefined) unknown(name, path);
          else if (variable.value === undefined) unfilled.push(path);
          if (variable?.value === undefined) return whole;
          if (variable.secret) secret.add(formatPath(path));
          return valueAt(variable.value, path);
        });
  const visit = (value: unknown, path: Path): unknown => {
    if (isLiteral(path)) return value;
    if (typeof value === 'string') return text(value, path);
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    const copy = {};
    for (const [key, inner] of Object.entries(value)) {
      Object.defineProperty(copy, key, { value: visit(inner, [...path, key]), enumerable: true, writable: true, configurable: true });
    }
    return copy;
  };
  return { data: visit(data, []), problems, warnings, unfilled, secret };
}

/** A template's data in which each text that looks like a variable is written so that it stands for itself. */
export function escapeReferences<T>(data: T): T {
  const visit = (value: unknown, path: Path): unknown => {
    if (isLiteral(path)) return value;
    if (typeof value === 'string') return isCryptHash(value) ? value : value.replace(REFERENCE, (whole) => `$${whole}`);
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, visit(inner, [...path, key])]));
  };
  return visit(data, []) as T;
}

/** Values that are never substituted: commands, declarations themselves, and the way to the parent. */
function isLiteral(path: Path): boolean {
  const [first, second, third, fourth] = path;
  if (first === 'variables' || first === 'extends') return true;
  if (first === 'systemConfig') return second === 'configurations' && fourth === 'cmd';
  return first === 'layers' && (third === 'run' || third === 'validate');
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
