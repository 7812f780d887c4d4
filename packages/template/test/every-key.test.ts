import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { templateSchema } from '../src/schema/template.js';
import { unsupported } from '../src/unsupported.js';
import { DISK, HEAD, load } from './workspace.js';

interface Node {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** Something of every group of the language, one item in every list. */
const BASE = parse(`${HEAD}${DISK}  artifacts: [{ type: raw }]
systemConfig:
  kernel: {}
  bootloader: {}
  users: [{ name: a, password: plain }]
  network: { interfaces: [{ name: a, routes: [{ to: default, via: 192.0.2.1 }] }] }
  additionalFiles: [{ local: image.yml, final: /a }]
  configurations: [{ cmd: a }]
layers:
  - { name: a, run: [a], cacheMounts: [{ id: a, target: /a }], files: [{ local: image.yml, final: /b }], invalidateOn: {}, types: { cache: true } }
packageRepositories: [{ codename: a, url: "http://a.example", pkey: /a }]
`) as Record<string, unknown>;

/** Keys that are not for the engine: they say so, or are about templates themselves. */
const NOT_FOR_THE_ENGINE = /^(?:extends|variables|metadata)\b|\.stage$/;
/** Keys that mean something only together with `enabled`, with which all of their group is refused. */
const OF_A_SWITCH = /^systemConfig\.fde\.(?!enabled)/;

/** Every key below a schema, where lists have one item, without groups of keys. */
function leaves(node: Node, path: readonly string[] = []): (readonly [readonly string[], Node])[] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, one]) => leaves(one, [...path, key]));
  const items = node.items === undefined ? [] : leaves(node.items, [...path, '0']);
  const own = node.properties === undefined && path.length > 0 && path.at(-1) !== '0' ? [[path, node] as const] : [];
  return [...own, ...inner, ...items];
}

function withValue(path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(BASE);
  const parent = path.slice(0, -1).reduce<Record<string, unknown>>((inner, key) => (inner[key] ??= {}) as Record<string, unknown>, copy);
  parent[path.at(-1) as string] = value;
  return copy;
}

/** A value of the same type. */
function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  return typeof value === 'string' ? `${value}1` : Array.isArray(value) ? [] : {};
}

/** All that comes of a template: what the engine is given, and what is said of it. */
async function outcome(template: unknown): Promise<string> {
  const { spec, merged, problems, refused, warnings } = await load(stringify(template), {}, { 'other.yml': '' });
  const said = [...problems, ...refused, ...warnings, ...(merged === undefined ? [] : unsupported(merged))];
  const placeless = ['file', 'position', 'positions', 'snippet'];
  return JSON.stringify([spec, said], (key, value: unknown) => (placeless.includes(key) ? undefined : value)).replaceAll(
    /\/[^"]*ict-template-[^/"]*/g,
    '',
  );
}

describe('no key is dropped in silence', () => {
  const keys = leaves(templateSchema as Node).filter(
    ([path]) => ![NOT_FOR_THE_ENGINE, OF_A_SWITCH].some((one) => one.test(path.join('.'))),
  );

  it('of those that templates have', async () => {
    expect(JSON.parse(await outcome(BASE))).toEqual([
      expect.objectContaining({ image: { name: 'demo', version: '1.0' } }),
      expect.any(Array),
    ]);
    expect(keys.length).toBeGreaterThan(100);
  });

  it.each(keys.map(([path, node]) => [path.join('.'), path, node] as const))('%s', async (_name, path, node) => {
    // At least one of them is not what counts anyway.
    const values = [...(node.enum ?? []), ...(node.examples ?? []).flatMap((example) => [example, another(example)])];
    const before = await outcome(BASE);
    const changes = await Promise.all(values.map((value) => outcome(withValue(path, value))));
    expect(changes.some((after) => after !== before)).toBe(true);
  });
});
