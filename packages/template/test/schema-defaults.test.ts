import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../src/configuration/config-places.js';
import { type ConfigOptions, loadConfig } from '../src/configuration/config.js';
import { parseDistribution } from '../src/targets/distribution.js';
import { configSchema } from '../src/schema/config.js';
import { distroSchema } from '../src/schema/distro.js';
import { templateSchema } from '../src/schema/template.js';
import { fillDefaults } from '../src/validation/schema-defaults.js';
import { DISK, HEAD, load, workspace } from './workspace.js';

interface Node {
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: unknown;
}

/** Paths of all keys that have a default; list items are `0`, members of maps `X`. */
function defaults(schema: Node, path: readonly string[] = []): (readonly [readonly string[], Node])[] {
  const own = schema.default === undefined ? [] : [[path, schema] as const];
  const keys = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => defaults(inner, [...path, key]));
  const items = schema.items === undefined ? [] : defaults(schema.items, [...path, '0']);
  const { additionalProperties: member } = schema;
  return [...own, ...keys, ...items, ...(typeof member === 'object' && member !== null ? defaults(member, [...path, 'X']) : [])];
}

const at = (data: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], data);

function withValue(data: unknown, path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(data);
  (at(copy, path.slice(0, -1)) as Record<string, unknown>)[path.at(-1) as string] = value;
  return copy;
}

/** Something of every group and list of the language, with nothing in it that has a default. */
const TEMPLATE = `${HEAD}${DISK}  selectionPolicy: { strategy: first }
variables: { X: { default: x } }
metadata: { description: x }
systemConfig:
  kernel: { version: "6" }
  bootloader: {}
  immutability: {}
  fde: {}
  users: [{ name: a, password: plain }]
  network: { interfaces: [{ name: a, routes: [{ to: default, via: 192.0.2.1 }] }] }
  additionalFiles: [{ local: image.yml, final: /a }]
  configurations: [{ cmd: a }]
layers:
  - { name: a, cacheMounts: [{ id: a, target: /a }], files: [{ local: image.yml, final: /b }], invalidateOn: {}, types: { cache: true } }
  - { name: b, run: [a] }
packageRepositories: [{ codename: a, url: "http://a.example", pkey: /a }]
build: { cache: {} }
baseline: { source: {} }
overlayPolicy: { grubDefault: "0" }
`;

/** Keys whose value reaches no specification: variables are not for the engine, and what is switched off stays off. */
const NOT_IN_SPEC = /^(?:variables|systemConfig\.fde\.partitions)\b/;

async function specOf(template: unknown) {
  const { spec } = await load(stringify(template), {}, { 'other.yml': '' });
  if (spec === undefined) return undefined;
  const places = ['file', 'position', 'positions', 'source'];
  // `source` of a file is its place on this machine, that of `baseline` a part of it.
  const isPlace = (key: string, value: unknown): boolean => places.includes(key) && !(key === 'source' && typeof value === 'object');
  const bare = JSON.stringify(spec, (key, value: unknown) => (isPlace(key, value) ? undefined : value));
  return JSON.parse(bare) as unknown;
}

describe('defaults of the template schema', () => {
  const plain = parse(TEMPLATE) as Record<string, unknown>;
  // The members of a map have no schema that `fillDefaults` follows: there is one default there.
  const full = withValue(fillDefaults(templateSchema as Node, plain), ['variables', 'X', 'secret'], false);

  it('are those that apply: to write them all changes nothing', async () => {
    for (const [path, { default: value }] of defaults(templateSchema as Node))
      if (at(plain, path) === undefined) expect(at(full, path), path.join('.')).toEqual(value);
    const spec = await specOf(plain);
    expect(spec).toBeDefined();
    expect(await specOf(full)).toEqual(spec);
  });

  it('are compared: other values do change something', async () => {
    const spec = await specOf(plain);
    const others = defaults(templateSchema as Node).filter(([path]) => at(plain, path) === undefined && !NOT_IN_SPEC.test(path.join('.')));
    expect(others.length).toBeGreaterThan(30);
    for (const [path, { default: value, enum: words, examples = [] }] of others) {
      const other =
        typeof value === 'boolean'
          ? !value
          : (words ?? examples).find((example) => example !== '' && JSON.stringify(example) !== JSON.stringify(value));
      const local = JSON.stringify(other).replaceAll(/"(?:motd|tool\.conf)"/g, '"other.yml"');
      expect(await specOf(withValue(plain, path, JSON.parse(local))), path.join('.')).not.toEqual(spec);
    }
  });
});

it('defaults of the configuration schema are those that apply', async () => {
  const directory = await workspace({});
  const options: ConfigOptions = { env: {}, cwd: directory, home: directory, systemDirectory: directory, root: true };
  const full = stringify(
    fillDefaults(configSchema as Node, { network: {}, remote_cache: {}, storage: { package_cache: {}, image_cache: {} }, logging: {} }),
  );
  expect(parseConfig(full, 'x.yml', 'named').problems).toEqual([]);
  const file = `${await workspace({ 'full.yml': full })}/full.yml`;
  const [plain, written] = [await loadConfig(options), await loadConfig({ ...options, file })];
  for (const [path] of defaults(configSchema as Node)) expect(at(parse(full), path), path.join('.')).toBeDefined();
  expect(written.config).toEqual(plain.config);
  expect(plain.config).toBeDefined();
});

it('a distribution definition has the defaults of its schema', () => {
  const text = `apiVersion: 1
ecosystem: deb
os: a
dist: b
title: A
architectures: [x86_64]
repositories: [{ id: a, archive: "http://a.example", keyrings: [] }]
boot: { kernel: /boot/vmlinuz-*, initrd: /boot/initrd, makeInitrd: ["true"], loaders: {} }
tools: { packages: {} }
`;
  const { definition, problems } = parseDistribution(text, '/a.yml');
  expect(problems).toEqual([]);
  for (const [path, { default: value }] of defaults(distroSchema as Node)) {
    const expected = path.join('.') === 'essential' ? { priorities: [], packages: [] } : value;
    expect(at(definition, path), path.join('.')).toEqual(expected);
  }
});
