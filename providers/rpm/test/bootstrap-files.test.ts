import { describe, expect, it } from 'vitest';
import { neededToRun } from '../src/install/bootstrap-files.js';
import type { RpmFile } from '../src/package/package-files.js';
import { FILE_FLAG } from '../src/package/tags.js';

const file = (path: string, rest: Partial<RpmFile> = {}): RpmFile =>
  ({ path, flags: 0, languages: '', inode: 0, device: 1, ...rest }) as RpmFile;

/** Paths that are needed. */
function needed(...files: readonly RpmFile[]): readonly string[] {
  return files.filter(neededToRun(files)).map(({ path }) => path);
}

describe('the files that a program needs to run', () => {
  it.each([
    ['a program', file('/usr/bin/rpm'), true],
    ['a configuration', file('/etc/rpm/macros', { flags: FILE_FLAG.CONFIG }), true],
    ['data', file('/usr/share/misc/magic'), true],
    ['a directory of documentation itself', file('/usr/share/doc'), true],
    ['what the package calls documentation', file('/opt/README', { flags: FILE_FLAG.DOC | FILE_FLAG.CONFIG }), false],
    ['a manual', file('/usr/share/man/man8/rpm.8.gz'), false],
    ['a licence', file('/usr/share/common-licenses/GPL-3'), false],
    ['a converter of character sets', file('/usr/lib/x86_64-linux-gnu/gconv/UTF-7.so'), false],
    ['one in another place', file('/lib64/gconv/UTF-7.so'), false],
    ['a translation by its place', file('/usr/share/locale/de/LC_MESSAGES/rpm.mo'), false],
    ['a translation by its language', file('/opt/rpm.mo', { languages: 'de' }), false],
  ])('%s', (_what, one, expected) => {
    expect(needed(one)).toEqual(expected ? [one.path] : []);
  });

  it('keep links of one file together', () => {
    const manual = file('/usr/share/man/man1/a.1', { inode: 1 });
    expect(needed(manual, file('/usr/lib/a.1', { inode: 1 }))).toEqual([manual.path, '/usr/lib/a.1']);
    expect(needed(manual, file('/usr/lib/a.1', { inode: 1, device: 2 }))).toEqual(['/usr/lib/a.1']);
    expect(needed(file('/usr/share/man/a', { inode: 0 }), file('/usr/lib/a'))).toEqual(['/usr/lib/a']);
  });
});
