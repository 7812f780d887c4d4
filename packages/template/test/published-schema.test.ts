import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../src/schema/config.js';
import { publishedSchema } from '../src/validation/published-schema.js';
import { compileSchema } from '../src/validation/schema-compiler.js';
import { DISK, HEAD, load } from './workspace.js';

/** What an editor says of a text: it knows the file of the schema and the formats of the standard. */
let accepts: (text: string) => boolean;

beforeAll(async () => {
  const ajv = new Ajv2020({ strict: false, logger: false });
  addFormats.default(ajv);
  const schema = JSON.parse(await readFile(new URL('../schema/template.schema.json', import.meta.url), 'utf8')) as object;
  const validate = ajv.compile(schema);
  accepts = (text) => validate(parse(text, { merge: true }));
});

const system = (text: string): string => `${HEAD}${DISK}systemConfig: ${text}\n`;
const partition = (text: string): string => `${HEAD}${DISK}    - { id: more, start: 1GiB, ${text} }\n`.replace('end: "0"', 'end: 1GiB');
const variable = (value: string, text: string): string => `variables: { V: { default: "${value}" } }\n${text}`;

describe('editors and the engine say the same of', () => {
  it.each<[string, string, boolean]>([
    ['keys without a value', `${HEAD}${DISK}systemConfig:\n  packages:\n  kernel:\n    uki:\n  bootloader:\n    provider:\n`, true],
    ['a group without a value', `${HEAD}${DISK}layers:\n`, true],
    ['a required key without a value', `${HEAD.replace('"1.0"', '')}${DISK}`, false],
    ['an item without a value', system('{ packages: [a, null] }'), false],
    ['a variable for one of a few words', variable('ext4', partition("fsType: '${V}'")), true],
    ['a variable inside a form', variable('5', partition("end: '${V}GiB'").replace('2GiB', '9GiB')), true],
    ['a variable for an address', variable('192.0.2.1', system("{ network: { interfaces: [{ name: a, nameservers: ['${V}'] }] } }")), true],
    ['a variable for a number', variable('7', system("{ users: [{ name: a, passwordMaxAge: '${V}' }] }")), false],
    ['a word that is none of the few', partition('fsType: ext5'), false],
    ['no host name', system('{ hostname: "" }'), true],
    ['a number for a text', `${HEAD.replace('"1.0"', '1.10')}${DISK}`, false],
    ['an unknown key', system('{ hostnam: a }'), false],
    ...['4 gigs', '1.5GiB', '4gib', '-1GiB', '08GiB'].map((size): [string, string, boolean] => [
      `the size ${size}`,
      `${HEAD}${DISK.replace('2GiB', `"${size}"`)}`,
      false,
    ]),
    ...['4G', '4096 MiB', '4TB'].map((size): [string, string, boolean] => [
      `the size ${size}`,
      `${HEAD}${DISK.replace('2GiB', size)}`,
      true,
    ]),
    ...['/srv', '/srv/', '/usr', '/usr/lib/modules', '/run/data', '/library', '/srv/.x', 'none', "''", "'/${V}'"].map(
      (place): [string, string, boolean] => [`the mount point ${place}`, variable('data', partition(`mountPoint: ${place}`)), true],
    ),
    ...[
      'srv',
      '/srv//data',
      "'/my data'",
      '/srv/..',
      '/proc',
      '/sys/kernel',
      '/dev/',
      '/run',
      '/etc',
      '/bin',
      '/lib64',
      '/usr/sbin',
      '/usr/lib/',
    ].map((place): [string, string, boolean] => [`the mount point ${place}`, partition(`mountPoint: ${place}`), false]),
    ['the mode 644', system('{ additionalFiles: [{ local: image.yml, final: /a, mode: "644" }] }'), true],
    ['the mode u+x', system('{ additionalFiles: [{ local: image.yml, final: /a, mode: u+x }] }'), false],
    ['the language de_DE.UTF-8', system('{ languages: [de_DE.UTF-8] }'), false],
    ['a UUID in braces', partition('typeUUID: "{0FC63DAF-8483-4772-8E79-3D69D8477DE4}"'), false],
    ['a UUID in capitals', partition('typeUUID: 0FC63DAF-8483-4772-8E79-3D69D8477DE4'), true],
  ])('%s', async (_what, text, valid) => {
    const { problems } = await load(text);
    expect([accepts(text), problems.length === 0], problems[0]?.message).toEqual([valid, valid]);
  });
});

it('lets no reference stand in a configuration, where none is replaced', () => {
  const { check } = compileSchema(publishedSchema(configSchema, { references: false }));
  expect(check({ logging: { level: 'debug' }, mirrors: null }, 'configuration')).toEqual([]);
  expect(check({ logging: { level: '${LEVEL}' } }, 'configuration')).toHaveLength(1);
});
