import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DistributionDefinition, FileChoice, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { choiceSettings, keepChoice, lostSection } from '../src/install/file-choice.js';
import { createInstaller } from '../src/install/installer.js';

const run = promisify(execFile);

const DOCUMENTS = ['doc/a/changelog.gz', 'doc/a/examples/one', 'gtk-doc/html/a/index.html', 'info/a.info.gz'];
const MANUALS = ['man/man1/a.1.gz', 'man/mann/a.n.gz'];
const GERMAN = ['locale/de/LC_MESSAGES/a.mo', 'man/de/man1/a.1.gz'];
const AUSTRIAN = ['locale/de_AT/LC_MESSAGES/a.mo', 'man/de_AT/man1/a.1.gz'];
const FRENCH = ['locale/fr/LC_MESSAGES/a.mo', 'man/fr.UTF-8/man1/a.1.gz'];
/** What stays whatever is chosen. */
const ALWAYS = ['a/data', 'common-licenses/A', 'doc/a/copyright', 'locale/locale.alias'];
/** A link to the documents of another package, for its copyright, and one manual under two names. */
const LINKS = { 'doc/b': 'a', 'man/man1/b.1.gz': 'a.1.gz' };

describe('the settings for a choice', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'ict-deb-choice-'));
    const tree = join(place, 'package');
    for (const name of [...DOCUMENTS, ...MANUALS, ...GERMAN, ...AUSTRIAN, ...FRENCH, ...ALWAYS]) {
      await mkdir(dirname(join(tree, 'usr/share', name)), { recursive: true });
      await writeFile(join(tree, 'usr/share', name), name);
    }
    for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(tree, 'usr/share', name));
    await mkdir(join(tree, 'DEBIAN'), { mode: 0o755 });
    const control = ['Package: a', 'Version: 1', 'Architecture: all', 'Maintainer: Tests <tests@example.org>', 'Description: a', ''];
    await writeFile(join(tree, 'DEBIAN/control'), control.join('\n'));
    await run('dpkg-deb', ['--build', '--root-owner-group', tree, join(place, 'a.deb')]);
  });
  afterAll(() => rm(place, { recursive: true }));

  /** What dpkg unpacks below /usr/share, but for directories. */
  async function installed(choice: FileChoice): Promise<readonly string[]> {
    const root = await mkdtemp(join(place, 'root-'));
    await mkdir(join(root, 'var/lib/dpkg/updates'), { recursive: true });
    await mkdir(join(root, 'var/lib/dpkg/info'));
    await writeFile(join(root, 'var/lib/dpkg/status'), '');
    const settings = choiceSettings(choice).map((setting) => `--${setting}`);
    const dpkg = ['dpkg', `--root=${root}`, '--force-unsafe-io', '--log=/dev/null', ...settings, '--unpack', join(place, 'a.deb')];
    await run('unshare', ['--user', '--map-root-user', ...dpkg]);
    const share = join(root, 'usr/share');
    const entries = await readdir(share, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(share.length + 1))
      .sort();
  }

  it.each<[string, FileChoice, readonly string[]]>([
    ['no choice', {}, [...DOCUMENTS, ...MANUALS, ...GERMAN, ...AUSTRIAN, ...FRENCH, ...Object.keys(LINKS)]],
    [
      'no documentation',
      { documentation: false },
      ['doc/b', 'locale/de/LC_MESSAGES/a.mo', 'locale/de_AT/LC_MESSAGES/a.mo', 'locale/fr/LC_MESSAGES/a.mo'],
    ],
    ['German', { languages: ['de'] }, [...DOCUMENTS, ...MANUALS, ...GERMAN, ...Object.keys(LINKS)]],
    ['two languages', { languages: ['de', 'de_AT'] }, [...DOCUMENTS, ...MANUALS, ...GERMAN, ...AUSTRIAN, ...Object.keys(LINKS)]],
    ['no documentation in German', { documentation: false, languages: ['de'] }, ['doc/b', 'locale/de/LC_MESSAGES/a.mo']],
  ])('have dpkg install what belongs to it: %s', async (_what, choice, expected) => {
    expect(await installed(choice)).toEqual([...ALWAYS, ...expected].sort());
  });
});

describe('a tree with a choice', () => {
  const FILE = '/etc/dpkg/dpkg.cfg.d/ict';
  const distribution = { dist: 'x', boot: {}, quirks: {} } as unknown as DistributionDefinition;
  const install: readonly VerifiedPackage[] = [];

  it('tells its dpkg before that runs, and has the directories that alternatives need', async () => {
    await using ctx = fakeContext({});
    const seen: boolean[] = [];
    const tree = memoryTree({
      run: async (_command, session) => {
        seen.push((await session.stat(FILE)) !== undefined);
        return {};
      },
    });
    await createInstaller().apply({ fileChoice: { documentation: false }, install, remove: [] }, tree, distribution, ctx);
    expect(seen).toEqual(tree.commands.map(() => true));
    expect(seen.length).toBeGreaterThan(0);
    expect(Buffer.from((await tree.read(FILE))!).toString()).toMatch(/^path-exclude=.*\n(?:path-.*\n)*path-include=.*copyright\n$/);
    for (const section of [1, 8]) expect(await tree.stat(`/usr/share/man/man${section}`)).toMatchObject({ type: 'directory' });
  });

  it('says nothing where there is none', async () => {
    await using ctx = fakeContext({});
    const tree = memoryTree();
    await createInstaller().apply({ install, remove: [] }, tree, distribution, ctx);
    expect(await tree.stat('/etc/dpkg')).toBeUndefined();
    expect(await tree.stat('/usr/share/man')).toBeUndefined();
  });

  it('is not told again', async () => {
    const tree = memoryTree();
    const written: string[] = [];
    const watched = {
      ...tree,
      write: async (path: string, content: string | Uint8Array) => (written.push(path), tree.write(path, content)),
    };
    await keepChoice({ languages: ['de'] }, watched);
    await keepChoice({ languages: ['de'] }, watched);
    expect(written).toEqual([FILE]);
    await keepChoice({ languages: ['fr'] }, watched);
    expect(written).toEqual([FILE, FILE]);
  });

  it('has lost a directory that dpkg took away with a package', async () => {
    const tree = memoryTree();
    const choice = { documentation: false } as const;
    await keepChoice(choice, tree);
    expect(await lostSection(choice, tree)).toBeUndefined();
    await tree.remove('/usr/share/man/man4');
    expect(await lostSection(choice, tree)).toBe('/usr/share/man/man4');
    expect(await lostSection(undefined, tree)).toBeUndefined();
  });
});
