import { hasCode } from '@ict/plugin-api';
import { parseStanzas } from './metadata/deb822.js';
import type { Stanza } from './metadata/deb822.js';

/** What a machine-readable copyright file declares. */
export interface DeclaredLicence {
  /** SPDX licence expression. */
  readonly licence: string;
  /** Distinct copyright notices, one a line; undefined when there are none. */
  readonly copyright: string | undefined;
}

/** Names of the copyright format that mean exactly one SPDX licence, in lower case. A `+` at the end of the GNU names is "or later". */
const NAMES: Readonly<Record<string, string>> = {
  'apache-1.0': 'Apache-1.0',
  'apache-1.1': 'Apache-1.1',
  'apache-2.0': 'Apache-2.0',
  'artistic-2.0': 'Artistic-2.0',
  'bsd-1-clause': 'BSD-1-Clause',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-4-clause': 'BSD-4-Clause',
  'bsl-1.0': 'BSL-1.0',
  'cc-by-3.0': 'CC-BY-3.0',
  'cc-by-4.0': 'CC-BY-4.0',
  'cc-by-sa-3.0': 'CC-BY-SA-3.0',
  'cc-by-sa-4.0': 'CC-BY-SA-4.0',
  'cc0-1.0': 'CC0-1.0',
  'cddl-1.0': 'CDDL-1.0',
  'cpl-1.0': 'CPL-1.0',
  'efl-1.0': 'EFL-1.0',
  'efl-2.0': 'EFL-2.0',
  'epl-1.0': 'EPL-1.0',
  'epl-2.0': 'EPL-2.0',
  expat: 'MIT',
  isc: 'ISC',
  'openldap-2.8': 'OLDAP-2.8',
  'mpl-1.0': 'MPL-1.0',
  'mpl-1.1': 'MPL-1.1',
  'mpl-2.0': 'MPL-2.0',
  'ofl-1.1': 'OFL-1.1',
  'qpl-1.0': 'QPL-1.0',
  'w3c-software': 'W3C',
  zlib: 'Zlib',
  'zpl-2.0': 'ZPL-2.0',
  'zpl-2.1': 'ZPL-2.1',
};

/** Names that count as SPDX licences only when they are spelled as SPDX spells them. */
const SPDX_SPELLED: ReadonlySet<string> = new Set([
  '0BSD',
  'AFL-2.1',
  'Artistic-1.0-Perl',
  'BSD-3-Clause-Clear',
  'BSD-4-Clause-UC',
  'FSFAP',
  'FSFUL',
  'FSFULLR',
  'HPND',
  'MIT',
  'MIT-0',
  'NCSA',
  'OpenSSL',
  'OLDAP-2.8',
  'Python-2.0',
  'Unlicense',
  'Unicode-DFS-2016',
  'curl',
  'bzip2-1.0.6',
]);

/** Versions of the GNU licences that SPDX knows, by name. */
const GNU: Readonly<Record<string, readonly string[]>> = {
  gpl: ['1.0', '2.0', '3.0'],
  lgpl: ['2.0', '2.1', '3.0'],
  agpl: ['3.0'],
  gfdl: ['1.1', '1.2', '1.3'],
  'gfdl-niv': ['1.1', '1.2', '1.3'],
};

/**
 * Reads `/usr/share/doc/PACKAGE/copyright`. Every licence of every `Files` paragraph is part of the expression.
 *
 * @returns undefined when the file is not in the machine-readable format, or does not name a licence for each of its files.
 * @see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function readCopyright(text: string): DeclaredLicence | undefined {
  const stanzas = stanzasOf(text);
  const format = stanzas[0]?.get('Format') ?? stanzas[0]?.get('Format-Specification');
  if (format === undefined || !/copyright-format|dep-?5/i.test(format)) return undefined;
  const files = stanzas.filter((stanza) => stanza.get('Files') !== undefined);
  const declared = files.length > 0 ? files : stanzas.slice(0, 1);
  const expressions = declared.map((stanza) => toSpdxExpression(stanza.lines('License')[0] ?? ''));
  if (expressions.some((expression) => expression === undefined)) return undefined;
  const distinct = [...new Set(expressions as string[])].sort();
  const notices = new Set(files.flatMap((stanza) => stanza.lines('Copyright').map((line) => line.trim())).filter((line) => line !== ''));
  return {
    licence: join('AND', distinct),
    copyright: notices.size === 0 ? undefined : [...notices].join('\n'),
  };
}

function stanzasOf(text: string): readonly Stanza[] {
  try {
    return parseStanzas(text, { source: 'copyright' });
  } catch (error) {
    // A file that is not deb822 is a copyright file for people: it declares nothing that a machine can read.
    if (hasCode(error, 'ICT_DEB_STANZA_INVALID')) return [];
    throw error;
  }
}

/**
 * Turns the short names of a `License` field into an SPDX expression: `GPL-2+ or Artistic-2.0`, `A, and B or C`.
 * What SPDX does not certainly know becomes a `LicenseRef-`.
 *
 * @returns undefined for an empty text.
 */
export function toSpdxExpression(synopsis: string): string | undefined {
  const text = synopsis.trim().replace(/\s+/g, ' ').replaceAll('|', ' or ').replace(/\s+/g, ' ');
  if (text === '') return undefined;
  // "A or B, and C": the comma closes what stands before it, so it binds weaker than any "and" or "or" without one.
  const parts = text.split(/, ?(and|or) /i);
  let expression = orGroups(parts[0]);
  for (let i = 1; i < parts.length; i += 2) {
    expression = join(parts[i].toUpperCase(), [expression, orGroups(parts[i + 1])]);
  }
  return expression;
}

function orGroups(text: string): string {
  return join(
    'OR',
    text.split(/ or /i).map((group) => join('AND', group.split(/ and /i).map(toSpdxLicence))),
  );
}

function join(operator: string, parts: readonly string[]): string {
  const distinct = [...new Set(parts)];
  if (distinct.length === 1) return distinct[0];
  return distinct.map((part) => (operator === 'AND' && part.includes(' OR ') ? `(${part})` : part)).join(` ${operator} `);
}

/** One short name as an SPDX licence, or as a `LicenseRef-` when the name is not certain. */
export function toSpdxLicence(name: string): string {
  const text = name.trim();
  if (SPDX_SPELLED.has(text)) return text;
  const lower = text.toLowerCase();
  if (Object.hasOwn(NAMES, lower)) return NAMES[lower];
  return gnuLicence(lower) ?? `LicenseRef-${text.replaceAll('+', '-or-later').replace(/[^A-Za-z0-9.-]+/g, '-')}`;
}

function gnuLicence(lower: string): string | undefined {
  const match = /^(gpl|lgpl|agpl|gfdl|gfdl-niv)-?v?(\d+(?:\.\d+)?)(\+|-only|-or-later)?$/.exec(lower);
  if (match === null) return undefined;
  const [, family, digits, suffix] = match;
  const version = digits.includes('.') ? digits : `${digits}.0`;
  if (!GNU[family].includes(version)) return undefined;
  const base = family === 'gfdl-niv' ? `GFDL-${version}-no-invariants` : `${family.toUpperCase()}-${version}`;
  return `${base}-${suffix === '+' || suffix === '-or-later' ? 'or-later' : 'only'}`;
}
