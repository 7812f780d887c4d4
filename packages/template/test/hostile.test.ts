import { execFile, execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/configuration/config.js';
import { parseDistribution } from '../src/targets/distribution.js';
import { loadTemplate } from '../src/documents/load.js';
import { readText } from '../src/documents/template-chain.js';
import { definition, DISK, HEAD, workspace } from './workspace.js';

const levels = (count: number, before: string, after: string): string => before.repeat(count) + after.repeat(count);
const BOMB = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array.from({ length: 10 }, () => `*a${n}`).join(', ')}]\n`).join('')}`;

/** Texts that are meant to do harm, and the code of the error that they end in. */
const HOSTILE: Readonly<Record<string, readonly [string, string]>> = {
  'aliases that grow without bound': [BOMB, 'ICT_DOCUMENT_SYNTAX'],
  '<< that grows without bound': [
    `a: &a0 {${Array.from({ length: 40 }, (_, key) => `k${key}: 1`).join(', ')}}\n${Array.from({ length: 40 }, (_, level) => `b${level}: &a${level + 1} {<<: [*a${level}, *a${level}]}\n`).join('')}`,
    'ICT_DOCUMENT_SYNTAX',
  ],
  'an alias inside itself': ['a: &a [*a]\n', 'ICT_DOCUMENT_SYNTAX'],
  'deep lists': [`a: ${levels(100_000, '[', ']')}\n`, 'ICT_DOCUMENT_SYNTAX'],
  'deep mappings': [`${levels(100_000, '{a: ', '}')}\n`, 'ICT_DOCUMENT_SYNTAX'],
  'deep indentation': [Array.from({ length: 1000 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''), 'ICT_DOCUMENT_SYNTAX'],
  'a tab in the indentation': ['image:\n\tname: x\n', 'ICT_DOCUMENT_SYNTAX'],
  'a key given twice': [`${HEAD}${DISK}disk: {}\n`, 'ICT_DOCUMENT_DUPLICATE_KEY'],
  '__proto__ as a key': [`${HEAD}${DISK}__proto__: { polluted: true }\n`, 'ICT_DOCUMENT_UNKNOWN_KEY'],
  'constructor as a key': [`${HEAD}${DISK}constructor: { prototype: { polluted: true } }\n`, 'ICT_DOCUMENT_UNKNOWN_KEY'],
  'a NUL': [`${HEAD}${DISK}lock: "a\\0b"\n`, 'ICT_DOCUMENT_BAD_VALUE'],
  'a tag': ['image: !!js/function "x"\n', 'ICT_DOCUMENT_SYNTAX'],
  'a long key with many below': [
    `${'k'.repeat(400_000)}:\n${Array.from({ length: 4000 }, (_, n) => `  a${n}: 1\n`).join('')}`,
    'ICT_DOCUMENT_SYNTAX',
  ],
  'an alias of nothing': ['image: *nothing\n', 'ICT_DOCUMENT_SYNTAX'],
  'deep mappings of lines': [
    Array.from({ length: 1300 }, (_, n) => `${' '.repeat(n)}a:\n`).join('') + `${' '.repeat(1300)}b: c\n`,
    'ICT_DOCUMENT_SYNTAX',
  ],
  'variables that grow without bound': [
    `variables: { V: { default: "${'v'.repeat(300_000)}" } }\n${HEAD}${DISK}systemConfig: { hostname: "${'${V}'.repeat(100_000)}" }\n`,
    'ICT_TEMPLATE_VARIABLE',
  ],
  'variables that nobody declares': [
    `variables: { V: { default: x } }\n${HEAD}${DISK}systemConfig: { hostname: "${'${VV}'.repeat(150_000)}" }\n`,
    'ICT_DOCUMENT_BAD_VALUE',
  ],
  'many values and many aliases': [`a: &a [${'x, '.repeat(6000)}]\nb: [${'*a, '.repeat(999)}]\n`, 'ICT_DOCUMENT_SYNTAX'],
  'a tag without end': [`image: !${'t'.repeat(500_000)} x\n`, 'ICT_DOCUMENT_SYNTAX'],
  'a name that could begin an address': [`${HEAD}${DISK}systemConfig: { hostname: "${'a.'.repeat(200_000)}" }\n`, 'ICT_DOCUMENT_BAD_VALUE'],
  'addresses that could have passwords': [
    `${HEAD}${DISK}systemConfig: { hostname: "${'http://a:'.repeat(50_000)}" }\n`,
    'ICT_DOCUMENT_BAD_VALUE',
  ],
  'passwords that could be those of addresses': [
    `${HEAD}${DISK}systemConfig: { hostname: "${'x://y:z@'.repeat(50_000)}" }\n`,
    'ICT_DOCUMENT_BAD_VALUE',
  ],
  'addresses without a protocol': [`${HEAD}${DISK}systemConfig: { hostname: "${'url:'.repeat(100_000)}" }\n`, 'ICT_DOCUMENT_BAD_VALUE'],
  'plain passwords without end': [
    `${HEAD}${DISK}systemConfig:\n  users:\n${Array.from({ length: 1000 }, (_, n) => `    - { name: u${n}, password: secret }\n`).join('')}`,
    'ICT_TEMPLATE_PASSWORD',
  ],
  'a password without end': [
    `${HEAD}${DISK}systemConfig: { users: [{ name: u, password: "${'p'.repeat(400_000)}" }] }\n`,
    'ICT_TEMPLATE_PASSWORD',
  ],
  'variables beside names of none': [
    `variables:\n${Array.from({ length: 2000 }, (_, n) => `  V${n}: { default: a }\n`).join('')}${HEAD}${DISK}systemConfig: { hostname: _, packages: [${Array.from({ length: 500 }, (_, n) => `"\${W${n}}"`).join(', ')}] }\n`,
    'ICT_DOCUMENT_BAD_VALUE',
  ],
  'secrets side by side': [
    `${HEAD}${DISK}systemConfig: { ${Array.from({ length: 2500 }, (_, n) => `token${n}: abcd`).join(', ')} }\n`,
    'ICT_DOCUMENT_UNKNOWN_KEY',
  ],
  'very many values': [`a: [${'x,'.repeat(400_000)}]\n`, 'ICT_DOCUMENT_SYNTAX'],
};

describe('ends in a clear error:', () => {
  it.each(Object.entries(HOSTILE))('%s', async (_what, [text, code]) => {
    const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
    const { problems, spec } = await loadTemplate(file, { distribution: () => definition() });
    expect(problems.map((one) => one.code)).toContain(code);
    expect(problems.every(({ message }) => message.length > 10 && message.length < 1010)).toBe(true);
    expect(spec).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('a file of 100 MB', async () => {
    const directory = await workspace({});
    const file = path.join(directory, 'image.yml');
    const handle = await open(file, 'w');
    await handle.truncate(100_000_000);
    await handle.close();
    await expect(loadTemplate(file, { distribution: () => definition() })).rejects.toMatchObject({ code: 'ICT_TEMPLATE_UNREADABLE' });
    const surroundings = { env: {}, cwd: directory, home: directory, systemDirectory: directory };
    await expect(loadConfig({ ...surroundings, file })).rejects.toMatchObject({ code: 'ICT_CONFIG_UNREADABLE' });
  });

  it('a FIFO that nobody writes to', async () => {
    const directory = await workspace({});
    const file = path.join(directory, 'image.yml');
    execFileSync('mkfifo', [file]);
    const message = expect.stringContaining('it is a FIFO') as string;
    const code = 'ICT_TEMPLATE_UNREADABLE';
    await expect(loadTemplate(file, { distribution: () => definition() })).rejects.toMatchObject({ code, message });
    await expect(readText(file)).rejects.toMatchObject({ code, message });
    const surroundings = { env: {}, cwd: directory, home: directory, systemDirectory: directory };
    await expect(loadConfig({ ...surroundings, file })).rejects.toMatchObject({ code: 'ICT_CONFIG_UNREADABLE', message });
  });

  it('bytes that are not UTF-8', async () => {
    const file = path.join(await workspace({}), 'image.yml');
    await writeFile(file, Buffer.from([...Buffer.from(HEAD), 0xff, 0xfe, 0x0a]));
    await expect(loadTemplate(file, { distribution: () => definition() })).rejects.toMatchObject({
      code: 'ICT_TEMPLATE_UNREADABLE',
      message: expect.stringContaining('not UTF-8') as string,
    });
  });
});

describe('of any text says what is wrong with it, or reads it:', () => {
  const CONFIG = 'cache_dir: /var/cache/a\nworkers: 4\nnetwork: { retries: 3 }\nmirrors: { "http://a.example": [file:/mirror] }\n';
  const DEFINITION = `apiVersion: 1\necosystem: deb\nos: acme\ndist: acme1\ntitle: Acme\narchitectures: [x86_64]
repositories: [{ id: a, archive: http://a.example, suite: one, components: [main], keyrings: [a.asc] }]
boot: { kernel: /boot/vmlinuz-*, initrd: /boot/i, makeInitrd: [a], loaders: {} }
tools: { packages: { ext: [e2fsprogs] } }\ndefaults: { raw: { systemConfig: { packages: [udev] } } }\n`;

  /** Any text, pieces of YAML, and a sound text of which a part is replaced. */
  function hostileText(sound: string): fc.Arbitrary<string> {
    const piece = fc.constantFrom(...['a', ': ', '- ', '\n', '  ', '{', '}', '[', ']', '&a ', '*a', '<<: ', '"', "'", '|\n', '#', '? ', '!', '%', '---\n', '\t', '~']); // prettier-ignore
    const pieces = fc.array(piece, { maxLength: 30 }).map((all) => all.join(''));
    const spliced = fc
      .tuple(fc.nat(sound.length), fc.nat(20), fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 10 })))
      .map(([at, gone, text]) => sound.slice(0, at) + text + sound.slice(at + gone));
    return fc.oneof(fc.string({ unit: 'binary' }), pieces, spliced, spliced);
  }

  /** Asserts that each text is read, or refused with problems that have codes; and that the sound one is read. */
  async function refusesOrReads(sound: string, codesOf: (text: string) => Promise<readonly string[]>): Promise<void> {
    expect(await codesOf(sound)).toEqual([]);
    await fc.assert(
      fc.asyncProperty(hostileText(sound), async (text) => {
        for (const code of await codesOf(text)) expect(code).toMatch(/^ICT_(DOCUMENT|TEMPLATE|DISTRO|CONFIG|UNSUPPORTED)_/);
      }),
      { numRuns: 300 },
    );
  }

  const codes = (problems: readonly { readonly code: string; readonly severity: string }[]): readonly string[] =>
    problems.flatMap(({ code, severity }) => (severity === 'error' ? [code] : []));

  it('a definition', () => refusesOrReads(DEFINITION, async (text) => codes(parseDistribution(text, '/a/acme.yml').problems)));

  it('a configuration', async () => {
    const directory = await workspace({});
    const file = path.join(directory, 'ict.yml');
    const surroundings = { env: {}, cwd: directory, home: directory, systemDirectory: directory };
    await refusesOrReads(CONFIG, async (text) => {
      await writeFile(file, text);
      return codes((await loadConfig({ ...surroundings, file })).problems);
    });
  });

  it('a template', async () => {
    const file = path.join(await workspace({}), 'image.yml');
    await refusesOrReads(`${HEAD}${DISK}`, async (text) => {
      await writeFile(file, text);
      return codes((await loadTemplate(file, { distribution: () => definition() })).problems);
    });
  });
});

/** Each text costs below a second of an idle machine; a busy one, where others share caches and cores, makes up to twice that of it. */
const CPU_SECONDS_MAX = 3;

describe('costs 200 MiB at most, and time in step with its length:', () => {
  /** As many bytes, none of which is a NUL. */
  const huge = 'a file of 100 MB';
  const worst = [huge, ...Object.keys(HOSTILE).filter((name) => (HOSTILE[name]?.[0].length ?? 0) > 1000)];
  it.each(worst)('%s', async (name) => {
    const [text] = HOSTILE[name] ?? [`a: ${'x'.repeat(100_000_000)}\n`];
    const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
    // A process of its own: its memory is that of this text alone.
    const program = `const { loadTemplate } = await import(process.argv[2]);
      const before = process.cpuUsage();
      const { problems } = await loadTemplate(process.argv[1], { distribution: () => undefined }).catch((error) => ({ problems: [error] }));
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify({ problems: problems.length, cpuSeconds: (user + system) / 1e6, maxRssBytes: process.resourceUsage().maxRSS * 1024 }));`;
    const built = new URL('../dist/index.js', import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, file, built]);
    const { problems, cpuSeconds, maxRssBytes } = JSON.parse(stdout) as { problems: number; cpuSeconds: number; maxRssBytes: number };
    expect(problems).toBeGreaterThan(0);
    expect(cpuSeconds).toBeLessThan(CPU_SECONDS_MAX);
    expect(maxRssBytes).toBeLessThan(200 * 2 ** 20);
  });
});
