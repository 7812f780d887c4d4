/**
 * Names of licences as rpm distributions wrote them before they used SPDX, where they mean one licence. Others stood for a family, such as
 * `BSD`, `Python` or `LGPLv2`, which was said of 2.1 as well.
 */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'ASL 2.0': 'Apache-2.0',
  'Apache 2.0': 'Apache-2.0',
  'Boost': 'BSL-1.0', // prettier-ignore
  'GPL+': 'GPL-1.0-or-later',
  'GPLv2': 'GPL-2.0-only', // prettier-ignore
  'GPLv2+': 'GPL-2.0-or-later',
  'GPLv3': 'GPL-3.0-only', // prettier-ignore
  'GPLv3+': 'GPL-3.0-or-later',
  'LGPLv2+': 'LGPL-2.0-or-later',
  'LGPLv2.1': 'LGPL-2.1-only',
  'LGPLv2.1+': 'LGPL-2.1-or-later',
  'LGPLv3': 'LGPL-3.0-only', // prettier-ignore
  'LGPLv3+': 'LGPL-3.0-or-later',
  'MPLv1.1': 'MPL-1.1',
  'MPLv2.0': 'MPL-2.0',
  'ZPLv2.1': 'ZPL-2.1',
};

/** Words of SPDX expressions that such packages use: identifiers have a number or are one of these. */
const SPDX_ID =
  /^(?:(?=[A-Za-z0-9.+-]*[0-9])[A-Za-z][A-Za-z0-9.+]*(?:-[A-Za-z0-9.+]+)+|MIT|ISC|Zlib|curl|OpenSSL|X11|HPND|FTL|IJG|NCSA|Unlicense|Vim|Ruby|libtiff|bzip2-1\.0\.6|0BSD)$/;

/**
 * The licence of a package as an SPDX expression. Old names are translated; what is no SPDX identifier becomes a `LicenseRef-`, so that the
 * expression is always valid and nothing is lost.
 */
export function toSpdxExpression(text: string): string {
  const parts = text
    .replaceAll(/([()])/g, ' $1 ')
    .split(/\s+(and|or|with|AND|OR|WITH)\s+|\s*([()])\s*/)
    .filter((part): part is string => part !== undefined && part.trim() !== '')
    .map((part) => part.trim());
  const words = parts.map((part) => {
    if (part === '(' || part === ')') return part;
    if (/^(?:and|or|with)$/i.test(part)) return part.toUpperCase();
    return toIdentifier(part);
  });
  const expression = words.join(' ').replaceAll('( ', '(').replaceAll(' )', ')');
  return isWellFormed(words) ? expression : reference(text);
}

function toIdentifier(name: string): string {
  if (Object.hasOwn(OLD_NAMES, name)) return OLD_NAMES[name]!;
  return SPDX_ID.test(name) || name.startsWith('LicenseRef-') ? name : reference(name);
}

function reference(name: string): string {
  return `LicenseRef-rpm-${name.replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'unknown'}`;
}

/** Identifiers and operators in turn, parentheses in pairs. */
function isWellFormed(words: readonly string[]): boolean {
  let depth = 0;
  let wantsIdentifier = true;
  for (const word of words) {
    if (word === '(') {
      if (!wantsIdentifier) return false;
      depth++;
    } else if (word === ')') {
      if (wantsIdentifier || depth-- === 0) return false;
    } else {
      const isOperator = word === 'AND' || word === 'OR' || word === 'WITH';
      if (isOperator === wantsIdentifier) return false;
      wantsIdentifier = isOperator;
    }
  }
  return depth === 0 && !wantsIdentifier;
}
