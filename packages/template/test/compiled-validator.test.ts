import { describe, expect, it } from 'vitest';
import { compiled } from '../src/validation/compiled-validator.js';
import { compileSchema, compileToModule } from '../src/validation/schema-compiler.js';
import { configSchema } from '../src/schema/config.js';
import { distroSchema } from '../src/schema/distro.js';
import { defaultsSchema, templateSchema } from '../src/schema/template.js';

const schemas = { template: templateSchema, defaults: defaultsSchema, config: configSchema, distro: distroSchema } as const;

/** One value of each kind that a schema tells apart, formats among them. */
const oddities: readonly unknown[] = [
  {},
  [],
  null,
  'text',
  { unknown: 1 },
  { image: { name: '', version: 1 }, target: { os: 'debian', dist: 2 }, disk: { size: 'many', partitions: [{ id: 'a', typeUUID: 'x' }] } },
  { image: { name: 'ü'.repeat(300), version: '1' }, systemConfig: { hostname: '-bad-', users: [{ name: 1 }], packages: ['a', 'a'] } },
  { packageRepositories: [{ codename: 'a', url: 'no address', pkey: 3 }] },
  { cache_dir: 1, workers: 0, mirrors: { 'http://ftp.debian.org/debian': 'not one' } },
  { os: 'debian', dist: 'x', repositories: [{ id: 'a', archive: 'nowhere', suite: 1 }] },
];

describe.each(Object.keys(schemas) as (keyof typeof schemas)[])('the validator of %s that the build compiled', (name) => {
  it('finds what one compiled now finds', () => {
    const now = compileSchema(schemas[name]);
    for (const data of oddities) expect(compiled(name, schemas[name])().check(data, name)).toEqual(now.check(data, name));
    expect(now.check(oddities[4], name)).not.toEqual([]);
  });
});

it('of another state of its schema is not used, and one that is absent is compiled', () => {
  const schema = { type: 'object', properties: { other: { type: 'string' } }, additionalProperties: false };
  for (const directory of ['../dist/validators', '../dist/nowhere']) {
    const validator = compiled('config', schema, directory)();
    expect(validator.check({ other: 'text' }, 'x')).toEqual([]);
    expect(validator.check({ cache_dir: '/x' }, 'x')).toHaveLength(1);
  }
});

it('is written in ASCII', () => {
  const properties = { größe: { type: 'string', enum: ['groß'], pattern: '^[à-ÿ]+$', description: 'the host\u2019s' } };
  const text = compileToModule({ type: 'object', properties }, './formats.js');
  expect(text).toMatch(/"gro\\u00df"/);
  expect(text).not.toMatch(/[\u0080-\uffff]/);
});
