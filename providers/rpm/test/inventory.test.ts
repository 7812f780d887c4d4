import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CPIO_END, encodeRpm, headerDigest } from '@ict/fixtures';
import { memoryTree } from '@ict/plugin-testkit';
import { createFileName } from '../src/file-name.js';
import { createInventory, parseInventory } from '../src/install/inventory.js';
import { TAG } from '../src/package/tags.js';
import { toSpdxExpression } from '../src/spdx-licence.js';
import { formatPurl } from '../src/purl.js';
import { FIXTURES } from './fixture-index.js';

const MARK = '|mark|';
const line = (...values: readonly string[]): string => values.map((value) => `${value}${MARK}`).join('');

describe('parseInventory', () => {
  it('reads what rpm prints, sorted, without keys', () => {
    const text =
      line('zlib', '0', '1.3', '2.fc43', 'x86_64', 'zlib-1.3-2.fc43.src.rpm', 'Fedora Project', 'https://zlib.net', 'Zlib', 'Compression') +
      line('gpg-pubkey', '0', 'abc', '123', '(none)', '(none)', '(none)', '(none)', 'pubkey', 'a key') +
      line('bind-libs', '32', '9.18', '1', 'x86_64', 'bind-9.18-1.src.rpm', '(none)', '(none)', 'MPLv2.0', 'Libraries');
    expect(parseInventory(text, MARK)).toEqual([
      {
        name: 'bind-libs',
        version: '32:9.18-1',
        arch: 'x86_64',
        source: { name: 'bind', version: '9.18-1' },
        summary: 'Libraries',
        licence: 'MPL-2.0',
      },
      {
        name: 'zlib',
        version: '1.3-2.fc43',
        arch: 'x86_64',
        source: { name: 'zlib', version: '1.3-2.fc43' },
        maintainer: 'Fedora Project',
        homepage: 'https://zlib.net',
        summary: 'Compression',
        licence: 'Zlib',
      },
    ]);
  });

  it('lists a package that is called as keys are', () => {
    const values = ['gpg-pubkey', '0', 'abc', '123', 'noarch', '(none)', '(none)', '(none)', 'MIT', 'no key'];
    expect(parseInventory(line(...values), MARK)).toMatchObject([{ name: 'gpg-pubkey', version: 'abc-123', arch: 'noarch' }]);
  });

  it('reads several versions of one package, the highest first', () => {
    const kernel = (version: string, epoch = '0') =>
      line('kernel', epoch, version, '1', 'x86_64', ...Array.from({ length: 5 }, () => '(none)'));
    const versions = parseInventory(kernel('6.9') + kernel('5.1', '1') + kernel('6.12'), MARK).map(({ version }) => version);
    expect(versions).toEqual(['1:5.1-1', '6.12-1', '6.9-1']);
  });

  it.each(['rpm: not a database\n', line('a', '0', '1'), `${line(...Array.from({ length: 10 }, () => '1'))}error`])(
    'refuses what it did not ask for: %j',
    (text) => {
      expect(() => parseInventory(text, MARK)).toThrow(expect.objectContaining({ code: 'ICT_RPM_INVENTORY_INVALID' }));
    },
  );
});

describe('the inventory of a tree', () => {
  /** The same question, asked of a package file instead of a database. */
  const treeOf = (file: string) =>
    memoryTree({
      files: { '/usr/bin/rpm': 'rpm' },
      run: async ({ argv }, session) => {
        const output = execFileSync('rpm', ['--query', '--nosignature', '--queryformat', argv[4]!, '--package', file], { stdio: 'pipe' });
        await session.write(argv[5]!, output);
        return {};
      },
    });

  it('is what its rpm says', async () => {
    const tree = treeOf(join(FIXTURES, 'packages/rpm-rs/v4/rpm-basic-2.3.4-5.el9.noarch.rpm'));
    const [installed, ...others] = await createInventory().list(tree);
    expect(others).toEqual([]);
    expect(installed).toMatchObject({ name: 'rpm-basic', version: '1:2.3.4-5.el9', arch: 'noarch' });
    expect(await tree.list('/run')).toEqual([]);
  });

  it.each([
    ['of several lines', 'First line\nsecond line'],
    ['that looks like another package', ['x\nopenssl', '0', '99', '1', 'noarch', 'a.src.rpm', 'b', 'c', 'MIT', 'forged'].join('\x1f')],
  ])('has one package for one with a summary %s', async (_what, summary) => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-inventory-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'made.rpm');
    writeFileSync(file, encodeRpm({ header: { [TAG.SUMMARY]: { text: summary } }, payload: CPIO_END, sign: headerDigest }));
    expect(await createInventory().list(treeOf(file))).toMatchObject([
      { name: 'made', version: '1-1', summary: summary.replace('\n', ' ') },
    ]);
  });

  it('is empty without rpm', async () => {
    expect(await createInventory().list(memoryTree())).toEqual([]);
  });
});

describe('licences', () => {
  it.each([
    ['MIT', 'MIT'],
    ['GPLv2+ and (BSD or MIT)', 'GPL-2.0-or-later AND (LicenseRef-rpm-BSD OR MIT)'],
    ['GPL-2.0-or-later WITH Linux-syscall-note AND BSD-3-Clause', undefined],
    ['Apache-2.0 AND (MIT OR Unlicense)', 'Apache-2.0 AND (MIT OR Unlicense)'],
    ['Public Domain', 'LicenseRef-rpm-Public-Domain'],
    ['ASL 2.0', 'Apache-2.0'],
    ['MIT and (', 'LicenseRef-rpm-MIT-and'],
    ['*', 'LicenseRef-rpm-unknown'],
  ])('%s is %s', (text, expected) => {
    const expression = toSpdxExpression(text);
    if (expected !== undefined) expect(expression).toBe(expected);
    // Identifiers and operators only: always an expression.
    expect(expression).toMatch(/^\(*[A-Za-z0-9.+-]+\)*(?: (?:AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*$/);
  });
});

describe('names', () => {
  it('of package URLs have the epoch apart', () => {
    const parts = { namespace: 'Fedora', name: 'curl', arch: 'x86_64', distro: 'fedora43' };
    expect(formatPurl({ ...parts, evr: { epoch: 0, version: '8.1', release: '1.fc43' } })).toBe(
      'pkg:rpm/fedora/curl@8.1-1.fc43?arch=x86_64&distro=fedora43',
    );
    expect(formatPurl({ ...parts, evr: { epoch: 2, version: '8^git', release: '1' } })).toBe(
      'pkg:rpm/fedora/curl@8%5Egit-1?arch=x86_64&distro=fedora43&epoch=2',
    );
  });

  it.each([
    [{ name: 'bash', version: '5.2-1.fc43', arch: 'x86_64' }, 'bash-5.2-1.fc43.x86_64.rpm'],
    [{ name: 'bind', version: '32:9.18-1', arch: 'noarch' }, 'bind-32%3a9.18-1.noarch.rpm'],
    [{ name: 'a/../b', version: '1-1', arch: 'noarch' }, 'a%2f..%2fb-1-1.noarch.rpm'],
  ])('of files stay in their directory: %j', (pkg, expected) => {
    expect(createFileName(pkg)).toBe(expected);
  });
});
