import { withoutCredentials, type ProblemReport } from '@ict/plugin-api';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { nearest } from '../problems/nearest.js';
import { formats, standardFormats } from '../format.js';
import { formatPath, type Path } from '../documents/path.js';
import { orderProblems, problem, type ProblemDetails } from '../problems/problem.js';
import type { TemplateCode } from '../errors.js';
import type { DocumentPositions } from '../documents/yaml-document.js';

/** Checks data against one schema. */
export interface Validator {
  /**
   * Every violation, at the node that causes it; empty when the data is valid. `what` names the root in messages: `template`; `at` is its
   * path in the document of `positions`.
   */
  check(data: unknown, what: string, positions?: DocumentPositions, at?: Path): ProblemReport[];
  /** A copy without what is not valid, and the paths that were left out. A list with an item that is not valid goes as a whole. */
  prune(data: unknown): Pruned;
}

/** What is left of data without its faults. */
export interface Pruned {
  /** Undefined when nothing is left. */
  readonly data: unknown;
  readonly paths: readonly Path[];
}

/** A validator that says in our words what a compiled schema finds. */
export function validatorOf(validate: ValidateFunction): Validator {
  return {
    check(data, what, positions, at = []) {
      if (validate(data)) return [];
      return orderProblems(errorsOf(validate).map((error) => explain(error, data, what, positions, at)));
    },
    prune(data) {
      const left = structuredClone(data);
      const paths: Path[] = [];
      while (!validate(left)) {
        for (const path of errorsOf(validate).map((error) => faultyPath(error, left))) {
          if (path.length === 0) return { data: undefined, paths: [[]] };
          removeAt(left, path);
          paths.push(path);
        }
      }
      return { data: left, paths };
    },
  };
}

/** What the last check found; of a choice between formats, the choice alone; where some words are allowed, not also that the value is no text. */
function errorsOf(validate: ValidateFunction): readonly ErrorObject[] {
  const errors = validate.errors ?? [];
  const choices = errors.filter((error) => error.keyword === 'anyOf' && choiceOf(error.parentSchema) !== undefined);
  const enumerations = errors.filter(({ keyword }) => keyword === 'enum');
  return errors.filter(
    ({ keyword, schemaPath, instancePath }) =>
      !choices.some((choice) => choice.instancePath === instancePath && schemaPath.startsWith(`${choice.schemaPath}/`)) &&
      !(keyword === 'type' && enumerations.some((one) => one.instancePath === instancePath && schemaPath === siblingOf(one, 'type'))),
  );
}

/** Where the keyword beside that of an error stands. */
function siblingOf({ keyword, schemaPath }: ErrorObject, other: string): string {
  return schemaPath.slice(0, -keyword.length) + other;
}

/** What each branch of `anyOf` expects, when all are formats. */
function choiceOf(schema: ErrorObject['parentSchema']): readonly string[] | undefined {
  const branches = (schema?.['anyOf'] ?? []) as readonly { readonly format?: string }[];
  const expected = branches.flatMap(({ format, ...rest }) =>
    format === undefined || Object.keys(rest).length > 0 ? [] : [expectedOf(format)],
  );
  return expected.length === branches.length ? expected : undefined;
}

function expectedOf(format: string): string {
  return formats[format]?.expected ?? standardFormats[format] ?? `a valid ${format}`;
}

/** Words for the types of JSON Schema. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  null: 'empty',
};

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return TYPES[typeof value] ?? typeof value;
}

/** A number as YAML has it. */
function writtenNumber(value: number): string {
  if (Number.isNaN(value)) return '.nan, which is no number';
  return Number.isFinite(value) ? String(value) : `${value < 0 ? '-' : ''}.inf`;
}

const quote = (value: unknown): string => {
  const text = withoutCredentials(JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const list = (words: readonly string[]): string => words.filter((word) => word !== '').join(', ');

/** Turns the JSON pointer of an error into a path; numbers stand for indexes only where the data has a list. */
function pathOf(pointer: string, data: unknown): Path {
  const path: (string | number)[] = [];
  let at = data;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(at) ? Number(key) : key;
    path.push(step);
    at = (at as Record<string | number, unknown> | undefined)?.[step];
  }
  return path;
}

/** The key to leave out so that an error goes away. */
function faultyPath(error: ErrorObject, data: unknown): Path {
  const path = [...pathOf(error.instancePath, data)];
  if (error.keyword === 'additionalProperties') path.push(String((error.params as { additionalProperty: string }).additionalProperty));
  while (typeof path.at(-1) === 'number') path.pop();
  return path;
}

function removeAt(data: unknown, path: Path): void {
  let at = data as Record<string | number, unknown> | undefined;
  for (const step of path.slice(0, -1)) at = at?.[step] as Record<string | number, unknown> | undefined;
  if (at !== undefined) delete at[path.at(-1) as string | number];
}

function explain(error: ErrorObject, data: unknown, what: string, positions: DocumentPositions | undefined, at: Path): ProblemReport {
  const inner = pathOf(error.instancePath, data);
  const path = [...at, ...inner];
  const name = inner.length === 0 ? `the ${what}` : formatPath(path);
  const schema = error.parentSchema ?? {};
  const report = (code: TemplateCode, message: string, hint?: string, place: Path = path, atKey = false): ProblemReport => {
    const position = atKey ? positions?.keyPositionOf(place) : positions?.positionOf(place);
    const details: ProblemDetails = position === undefined ? {} : { position, snippet: positions?.snippet(position) ?? '' };
    return problem(code, message, hint === undefined ? details : { ...details, hint });
  };
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((schema['properties'] as object | undefined) ?? {});
      const near = nearest(key, known);
      const hint = near === undefined ? `Known keys here: ${list(known)}.` : `Did you mean ${JSON.stringify(near)}?`;
      const inside = inner.length === 0 ? `in the ${what}` : `in ${name}`;
      return report('ICT_DOCUMENT_UNKNOWN_KEY', `unknown key ${quote(key)} ${inside}`, hint, [...path, key], true);
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const wanted = (schema['properties'] as Readonly<Record<string, { description?: string }>> | undefined)?.[key]?.description;
      return report('ICT_DOCUMENT_MISSING_KEY', `${name} needs the key ${JSON.stringify(key)}`, wanted, path, true);
    }
    case 'type': {
      const types = [params['type']].flat().map((type) => TYPES[String(type)] ?? String(type));
      const expected = types.join(' or ');
      return report(
        'ICT_DOCUMENT_WRONG_TYPE',
        `${name} must be ${expected}, but is ${typeof error.data === 'number' && params['type'] === 'integer' ? writtenNumber(error.data) : typeOf(error.data)}`,
        typeHint(error, path, positions),
      );
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).map(String);
      // A map has no text of its own, and none if it has a key of the name toString.
      const near = typeof error.data === 'object' ? undefined : nearest(String(error.data), allowed);
      const message = `${name} is ${quote(error.data)}; it must be one of: ${list(allowed)}`;
      return report('ICT_DOCUMENT_BAD_VALUE', message, near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`);
    }
    case 'format': {
      const expected = expectedOf(String(params['format']));
      return report('ICT_DOCUMENT_BAD_VALUE', `${name} is ${quote(error.data)}; it must be ${expected}`);
    }
    case 'anyOf': {
      const choice = choiceOf(schema);
      if (choice !== undefined)
        return report('ICT_DOCUMENT_BAD_VALUE', `${name} is ${quote(error.data)}; it must be ${choice.join(' or ')}`);
      return report('ICT_DOCUMENT_BAD_VALUE', `${name} does not fit the schema (anyOf)`);
    }
    case 'uniqueItems': {
      const [one, two] = [Number(params['i']), Number(params['j'])];
      const [first, second] = one < two ? [one, two] : [two, one];
      const value = (error.data as readonly unknown[])[second];
      const line = positions?.positionOf([...path, first])?.line;
      const message = `${name} has ${quote(value)} twice${line === undefined ? '' : `; line ${line} has it first`}`;
      return report('ICT_DOCUMENT_BAD_VALUE', message, 'Remove one of them.', [...path, second]);
    }
    case 'minLength':
      return report('ICT_DOCUMENT_BAD_VALUE', `${name} must not be empty`);
    case 'minItems':
      return report('ICT_DOCUMENT_BAD_VALUE', `${name} needs at least ${String(params['limit'])} entries`);
    case 'minimum':
    case 'maximum':
      return report(
        'ICT_DOCUMENT_BAD_VALUE',
        `${name} is ${quote(error.data)}; it must be a whole number from ${schema['minimum']} to ${schema['maximum']}`,
      );
    default:
      return report('ICT_DOCUMENT_BAD_VALUE', `${name} does not fit the schema (${error.keyword})`);
  }
}

/** What YAML 1.1 and other formats call true and false. */
const BOOLEAN_WORDS: Readonly<Partial<Record<string, boolean>>> = {
  true: true,
  yes: true,
  on: true,
  y: true,
  false: false,
  no: false,
  off: false,
  n: false,
};

function typeHint(error: ErrorObject, path: Path, positions: DocumentPositions | undefined): string | undefined {
  const expected = String((error.params as Readonly<Record<string, unknown>>)['type']);
  if (expected === 'string' && ['number', 'boolean'].includes(typeof error.data)) {
    if (path.at(-1) === 'password') return 'Write it in quotes.';
    const { format } = (error.parentSchema ?? {}) as { readonly format?: string };
    const own = format === undefined ? undefined : formats[format];
    // In quotes it would be refused as well.
    if (own !== undefined && !own.check(positions?.sourceOf(path) ?? String(error.data))) return `Write ${own.expected}.`;
    return `Write it in quotes: "${positions?.sourceOf(path) ?? String(error.data)}".`;
  }
  if (expected === 'boolean' && typeof error.data === 'string') {
    const meant = BOOLEAN_WORDS[error.data.toLowerCase()];
    if (meant !== undefined) return `Write ${meant}, without quotes.`;
  }
  if (expected === 'array' && !Array.isArray(error.data)) return 'Begin each entry with "- ".';
  return undefined;
}
