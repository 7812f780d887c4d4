type Schema = Readonly<Record<string, unknown>>;

/**
 * Checks a value against a JSON schema made of the keywords that our schemas use; any other keyword is an error, so that nothing goes
 * unchecked.
 *
 * @returns one line for each violation.
 */
export function violations(schema: Schema, value: unknown, root: Schema = schema, path = '$'): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`unknown keyword ${keyword}`);
    return check(rule as never, value, { schema, root, path });
  });
}

interface Place {
  readonly schema: Schema;
  readonly root: Schema;
  readonly path: string;
}

const fail = (bad: boolean, path: string, text: string): readonly string[] => (bad ? [`${path} ${text}`] : []);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const none = (): readonly string[] => [];

const KEYWORDS: Readonly<Record<string, (rule: never, value: unknown, place: Place) => readonly string[]>> = {
  $schema: none,
  $id: none,
  $defs: none,
  title: none,
  description: none,
  $ref: (rule: string, value, { root, path }) =>
    violations((root['$defs'] as Record<string, Schema>)[rule.replace('#/$defs/', '')] as Schema, value, root, path),
  type: (rule: string | string[], value, { path }) =>
    fail(![rule].flat().includes(typeOf(value)), path, `is ${typeOf(value)}, not ${rule}`),
  const: (rule: unknown, value, { path }) => fail(value !== rule, path, `is not ${rule}`),
  enum: (rule: unknown[], value, { path }) => fail(!rule.includes(value), path, `is none of ${rule.join()}`),
  pattern: (rule: string, value, { path }) =>
    fail(typeof value === 'string' && !new RegExp(rule, 'u').test(value), path, `does not match ${rule}`),
  minLength: (rule: number, value, { path }) => fail(typeof value === 'string' && value.length < rule, path, 'is too short'),
  minimum: (rule: number, value, { path }) => fail(typeof value === 'number' && value < rule, path, 'is too small'),
  minItems: (rule: number, value, { path }) => fail(Array.isArray(value) && value.length < rule, path, 'has too few items'),
  required: (rule: string[], value, { path }) =>
    isObject(value) ? rule.filter((name) => !Object.hasOwn(value, name)).map((name) => `${path} lacks ${name}`) : [],
  items: (rule: Schema, value, { root, path }) =>
    Array.isArray(value) ? value.flatMap((item, index) => violations(rule, item, root, `${path}[${index}]`)) : [],
  properties: (rule: Record<string, Schema>, value, { root, path }) =>
    isObject(value)
      ? Object.entries(rule).flatMap(([name, schema]) =>
          Object.hasOwn(value, name) ? violations(schema, value[name], root, `${path}.${name}`) : [],
        )
      : [],
  additionalProperties: (rule: false, value, { schema, path }) => {
    if (rule !== false) throw new Error('additionalProperties must be false');
    const known = Object.keys((schema['properties'] ?? {}) as object);
    return isObject(value)
      ? Object.keys(value)
          .filter((name) => !known.includes(name))
          .map((name) => `${path} has the unknown member ${name}`)
      : [];
  },
  oneOf: (rule: Schema[], value, { root, path }) =>
    fail(rule.filter((schema) => violations(schema, value, root, path).length === 0).length !== 1, path, 'matches not exactly one'),
};
