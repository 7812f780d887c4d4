import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Mini, type BuildPlaces, type IctResult } from '../src/index.js';

let mini: Mini;
let places: BuildPlaces;
/** A directory of the host that commands inside values would write to, were a shell of the host to see them. */
let trap: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'injection');
  places = await mini.places();
  trap = join(mini.root, 'trap');
  await mkdir(trap);
});
afterEach(async () => {
  expect(await readdir(trap)).toEqual([]);
});
afterAll(() => mini.close());

/** Texts that a shell would run, each in another way. */
const kinds: readonly (readonly [string, (mark: string) => string])[] = [
  ['$(...)', (mark) => `a$(touch ${mark})b`],
  ['backquotes', (mark) => `a\`touch ${mark}\`b`],
  ['single quotes', (mark) => `a'; touch ${mark}; echo 'b`],
  ['double quotes', (mark) => `a"; touch ${mark}; echo "b`],
  ['spaces and signs', (mark) => `a; touch ${mark} && touch ${mark} | touch ${mark} > ${mark} b`],
  ['newlines', (mark) => `a\ntouch ${mark}\nb`],
  ['a leading hyphen', (mark) => `--checkpoint-action=exec=touch ${mark}`],
];

type Changes = Parameters<Mini['template']>[0];

/** Builds with changed values. The outcome is either an image, or an error with a code of its own: never a surprise. */
async function tryValues(changes: Changes): Promise<IctResult> {
  const result = await mini.buildTemplate(await mini.template(changes), places);
  if (result.status === 0) return result;
  const failed = result.events.at(-1);
  expect(failed?.type === 'build.failed' ? failed.error.code : result.stderr).toMatch(/^ICT_(?!INTERNAL|COMMAND_FAILED)/);
  return result;
}

describe.each(kinds)('a value with %s', (_kind, makeValue) => {
  const value = (): string => makeValue(join(trap, 'mark'));

  it('as the name of image, system or disk', async () => {
    await tryValues({ image: { name: value() } });
    await tryValues({ system: { name: value() } });
    await tryValues({ disk: { name: value() } });
  });

  it.each([
    ['host', (name: string) => ({ hostname: name })],
    ['user', (name: string) => ({ users: [{ name }] })],
    ['group', (name: string) => ({ users: [{ name: 'admin', groups: [name] }] })],
  ])('as the name of a %s is refused', async (_what, system) => {
    const result = await tryValues({ system: system(value()) });
    expect(result.status).toBe(1);
    const failed = result.events.at(-1);
    const problems = failed?.type === 'build.failed' ? failed.error.problems : [];
    expect(problems).toHaveLength(1);
    expect(problems[0].position?.line).toBeGreaterThan(1);
  });

  it('as the name of a package is refused', async () => {
    const result = await tryValues({ system: { packages: [value()] } });
    expect([1, 3]).toContain(result.status);
  });

  it('in the kernel command line, and as label, name and mount options of partitions', async () => {
    await tryValues({ system: { kernel: { cmdline: `console=ttyS0 ${value()}`, packages: ['mini-kernel'] } } });
    const esp = { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' };
    const root = { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '41MiB', end: '0', mountPoint: '/' };
    for (const key of ['id', 'name', 'fsLabel', 'mountOptions']) {
      await tryValues({ disk: { partitions: [esp, { ...root, [key]: value() }] } });
    }
  });
});

it('hands names, contents and commands to the tree as they are', async () => {
  const texts = kinds.filter(([kind]) => kind !== 'newlines').map(([, makeValue]) => makeValue('/tmp/mark'));
  // One slash would be a directory: names have another letter in its place.
  const names = texts.map((text) => text.replaceAll('/', '_'));
  const template = await mini.template({});
  const sources = await Promise.all(
    names.map(async (name, index) => {
      await writeFile(join(dirname(template), name), `${texts[index]}\n`);
      return { local: name, final: `/etc/odd/${name}` };
    }),
  );
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const checks = names.map((name, index) => ({
    cmd: `test "$(cat -- ${quoted(`/etc/odd/${name}`)})" = ${quoted(texts[index])}`,
  }));
  const commands = [
    ...checks,
    { cmd: 'test ! -e /tmp/mark' },
    { cmd: `echo "$(cat /etc/hostname) \\"quoted\\" 'single'"\necho second line` },
  ];
  const text = await readFile(await mini.template({ system: { additionalFiles: sources, configurations: commands } }), 'utf8');
  await writeFile(template, text);
  const result = await mini.buildTemplate(template, places);
  expect(result.status, result.stderr).toBe(0);
  const said = result.events.flatMap((event) => (event.type === 'command.output' ? [event.text] : []));
  expect(said).toContain(`mini "quoted" 'single'`);
  expect(said).toContain('second line');
});
