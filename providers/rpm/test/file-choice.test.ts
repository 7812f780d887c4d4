import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop } from '@ict/fixtures';
import type { FileChoice } from '@ict/plugin-api';
import { memoryTree } from '@ict/plugin-testkit';
import { choiceMacros, keepChoice } from '../src/install/file-choice.js';

describe('the macros for a choice', () => {
  const workshop = new RpmWorkshop();
  afterAll(() => workshop.close());
  const marked = (mark: string): string => `%attr(644, root, root) ${mark}`;
  const files = {
    '/usr/share/doc/a/README': marked('%doc'),
    '/usr/share/a/guide': marked('%doc'),
    '/usr/share/licenses/a/LICENSE': marked('%license'),
    '/usr/share/a/data': marked(''),
    '/usr/share/locale/de/a.mo': marked('%lang(de)'),
    '/usr/share/locale/de_AT/a.mo': marked('%lang(de_AT)'),
    '/usr/share/locale/fr/a.mo': marked('%lang(fr)'),
    '/usr/share/man/fr/a.1': marked('%lang(fr) %doc'),
  };
  let file: string;
  let count = 0;
  beforeAll(() => {
    file = workshop.build({ name: 'a', files: Object.fromEntries(Object.keys(files).map((path) => [path, path])), attributes: files });
  });

  /** What rpm installs, and what it then finds wrong. */
  function installed(choice: FileChoice): { readonly paths: readonly string[]; readonly wrong: string } {
    const root = join(workshop.directory, `root-${count++}`);
    const macros = choiceMacros(choice).flatMap((macro) => ['--define', macro]);
    const rpm = (...args: readonly string[]): string =>
      execFileSync('unshare', ['--user', '--map-root-user', 'rpm', '--root', root, '--nosignature', ...args], { stdio: 'pipe' }).toString();
    rpm('--nodeps', '--nouser', '--nogroup', ...macros, '--install', file);
    const entries = readdirSync(join(root, 'usr'), { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length));
    return { paths: paths.sort(), wrong: rpm('-Va', '--nouser', '--nogroup') };
  }

  const always = ['/usr/share/licenses/a/LICENSE', '/usr/share/a/data'];
  const documents = ['/usr/share/doc/a/README', '/usr/share/a/guide'];
  it.each<[string, FileChoice, readonly string[]]>([
    ['no choice', {}, Object.keys(files)],
    [
      'no documentation',
      { documentation: false },
      [...always, ...['de', 'de_AT', 'fr'].map((language) => `/usr/share/locale/${language}/a.mo`)],
    ],
    ['German', { languages: ['de'] }, [...always, ...documents, '/usr/share/locale/de/a.mo']],
    ['two languages', { languages: ['de', 'fr'] }, Object.keys(files).filter((path) => !path.includes('de_AT'))],
    ['no documentation in German', { documentation: false, languages: ['de'] }, [...always, '/usr/share/locale/de/a.mo']],
  ])('have rpm install what belongs to it, and miss nothing: %s', (_what, choice, expected) => {
    expect(installed(choice)).toEqual({ paths: expected.toSorted(), wrong: '' });
  });
});

describe('a tree with a choice', () => {
  const FILE = '/etc/rpm/macros.ict';

  it('has its rpm keep to it, and is not told again', async () => {
    const tree = memoryTree();
    const written: string[] = [];
    const watched = {
      ...tree,
      write: async (path: string, content: string | Uint8Array) => (written.push(path), tree.write(path, content)),
    };
    const choice = { documentation: false, languages: ['de', 'de_AT'] } as const;
    await keepChoice(choice, watched);
    await keepChoice(choice, watched);
    expect(written).toEqual([FILE]);
    expect(Buffer.from((await tree.read(FILE))!).toString()).toBe('%_excludedocs 1\n%_install_langs de:de_AT\n');
    await keepChoice({ languages: ['fr'] }, watched);
    expect(Buffer.from((await tree.read(FILE))!).toString()).toBe('%_install_langs fr\n');
  });
});
