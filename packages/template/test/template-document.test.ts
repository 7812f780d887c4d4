import { readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { stringify } from 'yaml';
import type { Template } from '../src/schema/template.js';
import { parseTemplate } from '../src/documents/template-document.js';
import { HEAD, said } from './workspace.js';

const reference = new URL('fixtures/reference/', import.meta.url);
const names = (await readdir(reference)).filter((name) => name.endsWith('.yml'));

describe('templates of the Go tool are valid', () => {
  it.each(names)('%s', async (name) => {
    const { template, problems } = parseTemplate(await readFile(new URL(name, reference), 'utf8'), name);
    expect(problems).toEqual([]);
    expect(template?.image.name).toBeTypeOf('string');
  });

  it('are twelve', () => {
    expect(names).toHaveLength(12);
  });
});

it('has its type from the schema', () => {
  expectTypeOf<Template['image']['name']>().toEqualTypeOf<string>();
  expectTypeOf<Template['target']['arch']>().toEqualTypeOf<'x86_64' | 'aarch64' | 'armv7hl'>();
  expectTypeOf<NonNullable<Template['systemConfig']>['packages']>().toEqualTypeOf<string[] | undefined>();
  expect(parseTemplate(HEAD, 'a.yml').template).toBeDefined();
});

/** What a person sees of the faults of a text. */
function shown(text: string): string {
  return parseTemplate(text, 'image.yml')
    .problems.map(({ position, message, snippet, hint }) => {
      const place = `${position?.file}:${position?.line}:${position?.column}`;
      return [`${place}: ${message}`, snippet, ...(hint === undefined ? [] : [hint])].join('\n');
    })
    .join('\n\n');
}

it('says of a lock that it is one, and nothing else', () => {
  expect(shown('# comment\nlockVersion: 1\ntarget: debian-debian13-x86_64\npackages: []\n')).toBe(
    [
      'image.yml:2:1: this is a lock, as `ict lock` writes it, and no template',
      '2 | lockVersion: 1\n  | ^',
      'Name its template; a build finds the lock beside it, or by --lock.',
    ].join('\n'),
  );
});

describe('messages', () => {
  it('for an unknown key', () => {
    expect(shown(`${HEAD}dsik:\n  size: 4GiB\nsystemConfig:\n  kernel:\n    zzz: 1\n`))
      .toBe(`image.yml:9:1: unknown key "dsik" in the template
9 | dsik:
  | ^
Did you mean "disk"?

image.yml:13:5: unknown key "zzz" in systemConfig.kernel
13 |     zzz: 1
   |     ^
Known keys here: version, cmdline, packages, enableExtraModules, name, uki.`);
  });

  it('for a wrong type', () => {
    expect(shown(HEAD.replace('"1.0"', '13.0'))).toBe(`image.yml:3:12: image.version must be text, but is a number
3 |   version: 13.0
  |            ^
Write it in quotes: "13.0".`);
    expect(shown(`${HEAD}systemConfig:\n  packages: vim\n`)).toBe(`image.yml:10:13: systemConfig.packages must be a list, but is text
10 |   packages: vim
   |             ^
Begin each entry with "- ".`);
  });

  it.each([
    ['2147483649', 'Write a whole number and a unit, such as 513MiB or 4GiB, and less than 8192TiB.'],
    ['4.5', 'Write a whole number and a unit, such as 513MiB or 4GiB, and less than 8192TiB.'],
  ])('for a size that is a number, with what would be right at once: %s', (size, hint) => {
    const { problems } = parseTemplate(`${HEAD}disk: { size: ${size} }\n`, 'image.yml');
    expect(problems.map((one) => [one.code, one.hint])).toEqual([['ICT_DOCUMENT_WRONG_TYPE', hint]]);
    const zero = parseTemplate(`${HEAD}disk: { partitions: [{ id: a, end: 0 }] }\n`, 'image.yml');
    expect(zero.problems.map((one) => one.hint)).toEqual(['Write it in quotes: "0".']);
  });

  it('for an address that is none, of either kind, once', () => {
    const network = (via: string, server: string) =>
      `${HEAD}systemConfig:\n  network:\n    interfaces: [{ name: a, routes: [{ to: default, via: "${via}" }], nameservers: ["${server}"] }]\n`;
    expect(said(parseTemplate(network('192.0.2.256', 'fe80::g'), 'image.yml').problems)).toEqual([
      'ICT_DOCUMENT_BAD_VALUE: systemConfig.network.interfaces[0].routes[0].via is "192.0.2.256"; it must be an IPv4 address or an IPv6 address',
      'ICT_DOCUMENT_BAD_VALUE: systemConfig.network.interfaces[0].nameservers[0] is "fe80::g"; it must be an IPv4 address or an IPv6 address',
    ]);
    expect(parseTemplate(network('192.0.2.1', '2001:db8::53'), 'image.yml').problems).toEqual([]);
  });

  it.each([
    ['no', 'Write false, without quotes.'],
    ['On', 'Write true, without quotes.'],
    ['"true"', 'Write true, without quotes.'],
    ['perhaps', undefined],
  ])('for what other formats call true or false: %s', (word, hint) => {
    const { problems } = parseTemplate(`${HEAD}build: { cache: { use_image_cache: ${word} } }\n`, 'image.yml');
    expect(problems.map((one) => [one.message, one.hint])).toEqual([
      ['build.cache.use_image_cache must be true or false, but is text', hint],
    ]);
  });

  it('for a key given twice', () => {
    expect(shown(`${HEAD}systemConfig:\n  name: a\n  name: b\n`)).toBe(`image.yml:11:3: the key "name" is given twice; line 10 has it first
11 |   name: b
   |   ^
Keep one of them.`);
  });

  it('for a package named twice', () => {
    expect(shown(`${HEAD}systemConfig:\n  packages:\n    - vim\n    - nano\n    - vim\n`))
      .toBe(`image.yml:13:7: systemConfig.packages has "vim" twice; line 11 has it first
13 |     - vim
   |       ^
Remove one of them.`);
  });

  it('for a value that is not allowed', () => {
    expect(shown(HEAD.replace('x86_64', 'x86-64')))
      .toBe(`image.yml:7:9: target.arch is "x86-64"; it must be one of: x86_64, aarch64, armv7hl
7 |   arch: x86-64
  |         ^
Did you mean "x86_64"?`);
  });

  it('for a map where words are allowed, whatever its keys are called', () => {
    expect(shown(HEAD.replace('arch: x86_64', 'arch: { toString: "" }'))).toContain(
      'image.yml:7:9: target.arch is {"toString":""}; it must be one of: x86_64, aarch64, armv7hl',
    );
  });

  it.each([
    ['a number', 'target.arch', HEAD.replace('arch: x86_64', 'arch: 64')],
    ['a list', 'disk.partitionTableType', `${HEAD}disk:\n  size: 4GiB\n  partitionTableType: [gpt]\n`],
    ['a map', 'systemConfig.bootloader.bootType', `${HEAD}systemConfig:\n  bootloader: { bootType: {} }\n`],
  ])('for %s where words are allowed, once and with the words', (_, key, text) => {
    expect(parseTemplate(text, 'image.yml').problems).toMatchObject([
      { code: 'ICT_DOCUMENT_BAD_VALUE', message: expect.stringMatching(`^${key} is .*; it must be one of: `) as string },
    ]);
  });

  it('for all faults at once, in file order', () => {
    const text = `${HEAD.replace('"1.0"', '1').replace('x86_64', 'sparc')}disk:\n  size: 4XB\nsystemConfig:\n  hostname: a_b\n  users:\n    - { sudo: 1 }\n`;
    expect(parseTemplate(text, 'image.yml').problems.map(({ position, code }) => `${position?.line} ${code}`)).toEqual([
      '3 ICT_DOCUMENT_WRONG_TYPE',
      '7 ICT_DOCUMENT_BAD_VALUE',
      '10 ICT_DOCUMENT_BAD_VALUE',
      '12 ICT_DOCUMENT_BAD_VALUE',
      '14 ICT_DOCUMENT_MISSING_KEY',
      '14 ICT_DOCUMENT_WRONG_TYPE',
    ]);
  });

  it('for what is no template at all', () => {
    expect(said(parseTemplate('', 'image.yml').problems)).toEqual([
      'ICT_DOCUMENT_WRONG_TYPE: the template must be a mapping of keys to values, but is empty',
    ]);
    expect(said(parseTemplate('- a\n', 'image.yml').problems)).toEqual([
      'ICT_DOCUMENT_WRONG_TYPE: the template must be a mapping of keys to values, but is a list',
    ]);
  });
});

it.each([
  [
    'end: 0 without quotes',
    'disk: {partitions: [{end: 0}]}',
    'ICT_DOCUMENT_WRONG_TYPE: disk.partitions[0].end must be text, but is a number',
  ],
  [
    'a uuid',
    'disk: {partitions: [{typeUUID: x}]}',
    'ICT_DOCUMENT_BAD_VALUE: disk.partitions[0].typeUUID is "x"; it must be a UUID, such as 4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  ],
  [
    'an address',
    'systemConfig: {network: {interfaces: [{name: a, addresses: [1.2.3.4/33]}]}}',
    'ICT_DOCUMENT_BAD_VALUE: systemConfig.network.interfaces[0].addresses[0] is "1.2.3.4/33"; it must be an address with prefix length, such as 192.0.2.10/24',
  ],
  [
    'a uuid as urn',
    'disk: {partitions: [{typeUUID: "urn:uuid:4f68bce3-e8cd-4db1-96e7-fbcaf984b709"}]}',
    'ICT_DOCUMENT_BAD_VALUE: disk.partitions[0].typeUUID is "urn:uuid:4f68bce3-e8cd-4db1-96e7-fbcaf984b709"; it must be a UUID, such as 4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  ],
  [
    'a user twice',
    'systemConfig: {users: [{name: a}, {name: b}, {name: a}]}',
    'ICT_DOCUMENT_BAD_VALUE: systemConfig.users has the name "a" twice; line 9 has it first',
  ],
  [
    'a file twice',
    'systemConfig: {additionalFiles: [{local: a, final: /x}, {local: b, final: /x}]}',
    'ICT_DOCUMENT_BAD_VALUE: systemConfig.additionalFiles has the final "/x" twice; line 9 has it first',
  ],
  [
    'a priority',
    'packageRepositories: [{codename: a, priority: 10000}]',
    'ICT_DOCUMENT_BAD_VALUE: packageRepositories[0].priority is 10000; it must be a whole number from -9999 to 9999',
  ],
  [
    'a priority that is no number',
    'packagePins: [{packages: [a], priority: .nan}]',
    'ICT_DOCUMENT_WRONG_TYPE: packagePins[0].priority must be a whole number, but is .nan, which is no number',
  ],
  [
    'a priority between two',
    'packagePins: [{packages: [a], priority: 1.5}]',
    'ICT_DOCUMENT_WRONG_TYPE: packagePins[0].priority must be a whole number, but is 1.5',
  ],
  [
    'an empty command',
    'systemConfig: {configurations: [{cmd: ""}]}',
    'ICT_DOCUMENT_BAD_VALUE: systemConfig.configurations[0].cmd must not be empty',
  ],
])('refuses %s', (_, line, expected) => {
  expect(said(parseTemplate(`${HEAD}${line}\n`, 'image.yml').problems)).toEqual([expected]);
});

it('never throws when a template is damaged, and names a place for each fault', () => {
  const whole: object = {
    image: { name: 'a', version: '1' },
    target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
    disk: { size: '1GiB', partitions: [{ id: 'a', start: '1MiB', end: '0', flags: ['x'] }], artifacts: [{ type: 'raw' }] },
    systemConfig: {
      packages: ['a', 'b'],
      users: [{ name: 'x', groups: ['y'] }],
      configurations: [{ cmd: 'true' }],
      network: { interfaces: [{ name: 'e' }] },
    },
    packageRepositories: [{ codename: 'a', url: 'http://a.example' }],
  };
  const junk = fc.oneof(
    fc.anything({ maxDepth: 2, withNullPrototype: false }),
    fc.constantFrom(null, '', 0, [], {}, NaN, '__proto__', ['a', 'a']),
  );
  const steps = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(steps, junk, fc.string(), (path, value, key) => {
      const damaged = structuredClone(whole) as Record<string, unknown>;
      let at: Record<string, unknown> = damaged;
      for (const step of path) {
        const next = Object.values(at)[step % Math.max(1, Object.keys(at).length)];
        if (typeof next !== 'object' || next === null) break;
        at = next as Record<string, unknown>;
      }
      const keys = Object.keys(at);
      const name = Array.isArray(at)
        ? String((path[0] as number) % (at.length + 1))
        : (keys[(path[0] as number) % (keys.length + 1)] ?? key);
      Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
      let text: string;
      try {
        text = stringify(damaged);
      } catch {
        // Not every value has a YAML form; such a run says nothing about the parser.
        return;
      }
      const { template, problems } = parseTemplate(text, 'a.yml');
      expect(template === undefined).toBe(problems.length > 0);
      for (const { position, snippet } of problems) {
        expect(position?.line).toBeGreaterThan(0);
        expect(snippet).toContain('^');
      }
    }),
    { numRuns: 1500 },
  );
});
