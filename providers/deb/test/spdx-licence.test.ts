import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCopyright, toSpdxExpression } from '../src/spdx-licence.js';

const format = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n';

describe('toSpdxExpression', () => {
  it.each([
    ['GPL-2', 'GPL-2.0-only'],
    ['GPL-2+', 'GPL-2.0-or-later'],
    ['GPL-3.0+', 'GPL-3.0-or-later'],
    ['GPL-3.0-or-later', 'GPL-3.0-or-later'],
    ['LGPL-2.1+', 'LGPL-2.1-or-later'],
    ['LGPL-2', 'LGPL-2.0-only'],
    ['AGPL-3+', 'AGPL-3.0-or-later'],
    ['GFDL-1.3+', 'GFDL-1.3-or-later'],
    ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
    ['Expat', 'MIT'],
    ['MIT', 'MIT'],
    ['mit', 'LicenseRef-mit'],
    ['ISC', 'ISC'],
    ['zlib', 'Zlib'],
    ['BSD-3-clause', 'BSD-3-Clause'],
    ['Apache-2.0', 'Apache-2.0'],
    ['Artistic', 'LicenseRef-Artistic'],
    ['public-domain', 'LicenseRef-public-domain'],
    ['GPL-9', 'LicenseRef-GPL-9'],
    ['GPL', 'LicenseRef-GPL'],
    ['constructor', 'LicenseRef-constructor'],
    ['GPL-3+ with Autoconf exception', 'LicenseRef-GPL-3-or-later-with-Autoconf-exception'],
    ['GPL-2+ or Artistic-2.0', 'GPL-2.0-or-later OR Artistic-2.0'],
    ['GPL-2+ | Expat', 'GPL-2.0-or-later OR MIT'],
    ['GPL-2 and BSD-3-clause or ISC', 'GPL-2.0-only AND BSD-3-Clause OR ISC'],
    ['GPL-1+ or Artistic-2.0, and BSD-3-clause', '(GPL-1.0-or-later OR Artistic-2.0) AND BSD-3-Clause'],
    ['Expat and Expat', 'MIT'],
  ])('%s is %s', (synopsis, expected) => {
    expect(toSpdxExpression(synopsis)).toBe(expected);
  });

  it('is always an expression that SPDX can read', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aG+-. 2,/é()', ' or ', ' and ', ', and ', ' with ') }), (synopsis) => {
        const expression = toSpdxExpression(synopsis);
        if (expression === undefined) expect(synopsis.trim()).toBe('');
        else expect(expression).toMatch(/^[A-Za-z0-9.() -]+$/);
      }),
    );
  });
});

describe('readCopyright', () => {
  it('joins the licences of all files and gathers the notices', () => {
    const text = `${format}License: ignored\n\nFiles: *\nCopyright: 2001 A\n 2002 B\nLicense: GPL-2+\n text\n\nFiles: x\nCopyright: 2002 B\nLicense: Expat or ISC\n\nLicense: GPL-2+\n On Debian ...\n`;
    expect(readCopyright(text)).toEqual({ licence: 'GPL-2.0-or-later AND (MIT OR ISC)', copyright: '2001 A\n2002 B' });
  });

  it('takes the header when there are no files', () => {
    expect(readCopyright(`${format}License: GPL-3+\n`)).toEqual({ licence: 'GPL-3.0-or-later', copyright: undefined });
  });

  it.each([
    ['text for people', 'This is Debian GNU/Linux.\n\nCopyright 1999.\n'],
    ['text that happens to have a colon', 'Copyright: 1999 X\nLicense: GPL\n'],
    ['a file without a licence', `${format}\nFiles: *\nCopyright: X\n`],
    ['a file with licence text but no name', `${format}\nFiles: *\nLicense:\n Do what you like.\n`],
    ['broken syntax', `${format}\nFiles: *\nLicense: ISC\nnonsense\n`],
    ['nothing', ''],
  ])('does not guess about %s', (_, text) => {
    expect(readCopyright(text)).toBeUndefined();
  });

  it.each([
    ['hello', undefined],
    ['usr-is-merged', 'GPL-2.0-or-later'],
  ])('reads the file of %s', (name, licence) => {
    expect(readCopyright(readFileSync(new URL(`fixtures/${name}-copyright`, import.meta.url), 'utf8'))?.licence).toBe(licence);
  });
});
