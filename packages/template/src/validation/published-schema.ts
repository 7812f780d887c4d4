import { formats } from '../format.js';

/** The parts of a JSON schema that editors get otherwise than the engine. */
interface Node {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly items?: Node;
  readonly required?: readonly string[];
}

/** A text with `${NAME}` in it: what it stands for is not known before the value is. */
const REFERENCE: Node = { pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}' };

/**
 * A schema of ours for those who know only the file: editors. What the engine does before it checks is part of it: a key without a value
 * counts as absent, and, where `references` says so, `${NAME}` in a text is replaced. Formats of ours come as patterns, where one says them.
 */
export function publishedSchema(schema: object, { references }: { readonly references: boolean }): object {
  const visit = (node: Node): Node => {
    const { properties, additionalProperties, items, required = [] } = node;
    return {
      ...choose(node, references),
      ...(properties === undefined
        ? {}
        : { properties: mapValues(properties, (key, inner) => (required.includes(key) ? visit(inner) : orEmpty(visit(inner)))) }),
      ...(typeof additionalProperties === 'object' ? { additionalProperties: orEmpty(visit(additionalProperties)) } : {}),
      ...(items === undefined ? {} : { items: visit(items) }),
    };
  };
  return visit(schema);
}

function mapValues(record: Readonly<Record<string, Node>>, change: (key: string, value: Node) => Node): Record<string, Node> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(key, value)]));
}

/** Keywords that a text with a reference in it need not fit before the value is there. */
const LIMITS: ReadonlySet<string> = new Set(['enum', 'const', 'format', 'pattern', 'maxLength', 'anyOf', 'oneOf', 'allOf', 'not']);

/** Where not every text will do, one with a reference does. */
function choose(node: Node, references: boolean): Node {
  const entries = Object.entries(withoutOwnFormat(node));
  const limits = entries.filter(([keyword]) => LIMITS.has(keyword));
  if (!references || node.type !== 'string' || limits.length === 0) return Object.fromEntries(entries) as Node;
  return { ...Object.fromEntries(entries.filter(([keyword]) => !LIMITS.has(keyword))), anyOf: [Object.fromEntries(limits), REFERENCE] };
}

function withoutOwnFormat({ format, ...rest }: Node): Node {
  const pattern = format === undefined ? undefined : formats[format]?.pattern;
  if (format === undefined) return rest;
  return pattern === undefined ? { ...rest, format } : { pattern, ...rest };
}

/** A key may be there without a value. */
function orEmpty(node: Node): Node {
  const { type, enum: values } = node;
  return {
    ...node,
    ...(type === undefined ? {} : { type: [type, 'null'].flat() }),
    ...(values === undefined ? {} : { enum: [...values, null] }),
  };
}
