import type { Advisory } from '@ict/plugin-api';
import type { Colors } from './terminal.js';
import { plainText } from './terminal-text.js';

/** What lines say of an advisory. */
type AdvisoryWords = Pick<Advisory, 'id' | 'type' | 'severity' | 'title' | 'issued' | 'cves'> & { readonly inImage?: boolean };

/**
 * An advisory as indented lines: id, kind, severity and day, and what it is about; then its CVEs.
 *
 * @param about versions or packages.
 */
export function advisoryRows(
  { id, type, severity, title, issued, cves, inImage }: AdvisoryWords,
  about: readonly string[],
  colors: Colors,
): readonly string[] {
  const kind = [type, severity, issued].filter((word) => word !== undefined && word !== '').map((word) => plainText(word!));
  const state = inImage === undefined ? '' : inImage ? `  ${colors.green('in the image')}` : `  ${colors.red('not in the image')}`;
  return [
    `  ${colors.bold(plainText(id))}  ${kind.join(', ')}  ${about.map(plainText).join(' ')}${state}`,
    ...(title === '' ? [] : [`    ${plainText(title)}`]),
    ...(cves.length === 0 ? [] : [`    ${cves.map(plainText).join(' ')}`]),
  ];
}
