import { stringify } from 'yaml';

/** The parts of a JSON schema that a page shows. */
interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: boolean | Node;
  readonly required?: readonly string[];
}

/** One key of a schema: how it is written, and how an example of it is put where it belongs. */
interface Key {
  readonly name: string;
  readonly node: Node;
  readonly required: boolean;
  readonly wrap: (example: unknown) => unknown;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

/** A page in Markdown with every key of a schema: what it means, what it takes, and an example that is valid as it stands. */
export function schemaPage(schema: Node, introduction: string): string {
  const sections = keysBelow(schema, '', (example) => example).map(section);
  return `${introduction.trim()}\n\n${sections.join('\n')}`;
}

function keysBelow(node: Node, prefix: string, wrap: Key['wrap']): Key[] {
  const keys = Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    const wrapped: Key['wrap'] = (example) => wrap({ [key]: example });
    return [{ name, node: inner, required: node.required?.includes(key) === true, wrap: wrapped }, ...keysBelow(inner, name, wrapped)];
  });
  const items = node.items === undefined ? [] : keysBelow(node.items, `${prefix}[]`, (example) => wrap([example]));
  const members =
    typeof node.additionalProperties === 'object'
      ? keysBelow(node.additionalProperties, `${prefix}.NAME`, (example) => wrap({ NAME: example }))
      : [];
  return [...keys, ...items, ...members];
}

function section({ name, node, required, wrap }: Key): string {
  const [example] = node.examples ?? [];
  const facts = [kind(node), ...(required ? ['required'] : absence(node))].join('; ');
  const yaml = stringify(wrap(example), { lineWidth: 0 }).trimEnd();
  return `## \`${name}\`\n\n${escape(node.description ?? '')}\n\nTakes ${facts}.\n\n\`\`\`yaml\n${yaml}\n\`\`\`\n`;
}

/** What counts where a key is left out; nothing for a group, whose keys say it, and for a key whose description does. */
function absence({ default: fallback, description = '', properties }: Node): string[] {
  if (fallback !== undefined) return [`default: ${written(fallback)}`];
  return properties !== undefined || description.includes('Absent') ? [] : ['no default'];
}

function written(value: unknown): string {
  if (value === '') return 'empty';
  if (Array.isArray(value) && value.length === 0) return 'an empty list';
  if (typeof value !== 'object' || value === null) return `\`${String(value)}\``;
  return Object.keys(value).length === 0 ? 'an empty mapping' : `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}

/** Angle brackets outside of code would be taken for HTML. */
function escape(text: string): string {
  return text.replaceAll(/(`[^`]*`)|</g, (found, code: string | undefined) => code ?? found.replace('<', '&lt;'));
}

function kind(node: Node): string {
  const values = (node.enum ?? []).filter((value) => value !== '');
  if (values.length > 0) return `one of ${values.map((value) => `\`${value}\``).join(', ')}`;
  const types = [node.type ?? 'object'].flat().map((type) => TYPES[type] ?? type);
  const range = node.minimum === undefined || node.maximum === undefined ? '' : ` from ${node.minimum} to ${node.maximum}`;
  return `${types.join(' or ')}${range}`;
}

/** What stands above the keys of a template. */
export const TEMPLATE_INTRODUCTION = `# Template

Every key of an image template, with an example. The page is made from the JSON schema (\`ict schema template\`): run
\`node packages/template/scripts/write-schemas.mjs\` after a change of it. A key without a value counts as absent. Name the schema in the
first line of a template, and editors complete its keys:

\`\`\`text
# yaml-language-server: $schema=node_modules/@ict/template/schema/template.schema.json
\`\`\`

Templates lie over the defaults of their distribution and over those that they extend; \`ict resolve --explain TEMPLATE\` shows where
each value comes from. The default of a key is what counts when none of them sets it.
[packages/template](../packages/template/README.md) has the rules.`;
