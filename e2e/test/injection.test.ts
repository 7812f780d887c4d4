import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { artifactOf, askRoot, Mini, miniTemplate, type BuildPlaces, type IctResult } from '../src/index.js';

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

/** Partitions of a disk of 176 MiB; the last is mounted at `data`. */
function partitions(data: string): readonly object[] {
  return [
    { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' },
    { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '41MiB', end: '151MiB', mountPoint: '/' },
    { id: 'data', type: 'linux', fsType: 'ext4', start: '151MiB', end: '0', mountPoint: data },
  ];
}

/** A text as a shell takes it as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What the template is refused for, each with the line that it stands in. */
function refusals(result: IctResult): readonly (string | boolean)[] {
  const failed = result.events.at(-1);
  const problems = failed?.type === 'build.failed' ? failed.error.problems : [];
  return problems.flatMap(({ code, position }) => [code, (position?.line ?? 0) > 1]);
}

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
    ['host', 'ICT_DOCUMENT_BAD_VALUE', (name: string) => ({ hostname: name })],
    ['user', 'ICT_TEMPLATE_NAME', (name: string) => ({ users: [{ name }] })],
    ['group', 'ICT_TEMPLATE_NAME', (name: string) => ({ users: [{ name: 'admin', groups: [name] }] })],
  ])('as the name of a %s is refused', async (_what, code, system) => {
    const result = await tryValues({ system: system(value()) });
    expect(result.status).toBe(1);
    expect(refusals(result)).toEqual([code, true]);
  });

  it('as a mount point is refused: blanks would end it in fstab', async () => {
    const result = await tryValues({ disk: { size: '176MiB', partitions: partitions(`/mnt/${value()}`) } });
    expect(result.status).toBe(1);
    expect(refusals(result)).toEqual(['ICT_DOCUMENT_BAD_VALUE', true]);
  });

  it('as address or key of a repository is refused; as its name it is asked for as it is', async () => {
    const repository = { codename: 'own', url: mini.server.url, pkey: join(dirname(mini.distribution.definition), 'keyring.gpg') };
    const outcome = async (change: object) => {
      const template = await mini.template(stringify({ ...miniTemplate(), packageRepositories: [{ ...repository, ...change }] }));
      const result = await mini.buildTemplate(template, places);
      const failed = result.events.at(-1);
      const error = failed?.type === 'build.failed' ? failed.error : undefined;
      return [error?.problems[0]?.code ?? error?.code, result.status];
    };
    expect(await outcome({ url: value() })).toEqual(['ICT_TEMPLATE_REPOSITORY', 1]);
    expect(await outcome({ pkey: value() })).toEqual(['ICT_TEMPLATE_FILE_MISSING', 1]);
    expect(await outcome({ codename: value() })).toEqual(['ICT_DEB_RELEASE_MISSING', 1]);
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
  const texts = kinds.map(([, makeValue]) => makeValue('/tmp/mark'));
  // One slash would be a directory: names have another letter in its place.
  const names = texts.map((text) => text.replaceAll('/', '_'));
  const template = await mini.template({});
  const sources = await Promise.all(
    names.map(async (name, index) => {
      await writeFile(join(dirname(template), name), `${texts[index]}\n`);
      return { local: name, final: `/etc/odd/${name}` };
    }),
  );
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

it('takes places of files, keys of users and mount points as they are', async () => {
  // What would be directories stays so: a path may have any letter but NUL.
  const finals = kinds.map(([, makeValue]) => `/etc/odd/${makeValue('/tmp/mark')}`);
  const keys = kinds.flatMap(([kind, makeValue]) => (kind === 'newlines' ? [] : [`ssh-ed25519 AAAA ${makeValue('/tmp/mark')}`]));
  const mountPoint = `/mnt/$(id)\`id\`'"\\;#`;
  const template = await mini.template({});
  await writeFile(join(dirname(template), 'payload'), 'payload\n');
  const system = {
    additionalFiles: finals.map((final) => ({ local: 'payload', final })),
    users: [{ name: 'root', sshAuthorizedKeys: keys }],
    configurations: [...finals.map((final) => ({ cmd: `test -f ${quoted(final)}` })), { cmd: 'test ! -e /tmp/mark' }],
  };
  const changed = await mini.template({ system, disk: { size: '176MiB', partitions: partitions(mountPoint) } });
  await writeFile(template, await readFile(changed, 'utf8'));
  const result = await mini.buildTemplate(template, places);
  expect(result.status, result.stderr).toBe(0);
  const disk = artifactOf(result, 'raw').path;
  expect((await askRoot(disk, 'cat /root/.ssh/authorized_keys')).trim().split('\n')).toEqual(keys);
  const mounted = (await askRoot(disk, 'cat /etc/fstab')).split('\n').map((line) => line.split(/\s+/)[1]);
  // fstab writes backslashes, as blanks, in octal.
  expect(mounted).toContain(mountPoint.replace('\\', '\\134').replace('#', '\\043'));
});

it('refuses a key of a user that has a line break within', async () => {
  const result = await tryValues({ system: { users: [{ name: 'keys', sshAuthorizedKeys: ['ssh-ed25519 AAAA a\nssh-ed25519 BBBB b'] }] } });
  expect(result.status).toBe(1);
  expect(refusals(result)).toEqual(['ICT_TEMPLATE_NAME', true]);
});
