/** Words and addresses by which maintainers say that they are several. */
const TEAM =
  /\b(?:team|teams|maintainers?|group|developers|packagers|packaging|project|distribution|security|inc|ltd|gmbh|foundation|corporation)\b|@(?:[\w-]+\.)*(?:alioth-)?lists\./iu;

/**
 * A maintainer, `Name <address>`, as SPDX names a supplier: `Person: Name (address)` or `Organization: Name (address)`.
 *
 * @returns `NOASSERTION` when the maintainer is unknown.
 * @see SPDX 2.3, section 7.5
 */
export function formatSupplier(maintainer: string | undefined): string {
  const text = maintainer?.replaceAll(/\s+/gu, ' ').trim();
  if (text === undefined || text === '') return 'NOASSERTION';
  const [, name = '', address = ''] = /^"?(.*?)"?\s*<([^<>]*)>$/u.exec(text) ?? [undefined, text, ''];
  const plain = (part: string): string => part.replaceAll(/[()\s]+/gu, ' ').trim();
  const kind = TEAM.test(text) ? 'Organization' : 'Person';
  const mail = plain(address);
  const shown = plain(name) || mail;
  if (shown === '') return 'NOASSERTION';
  return `${kind}: ${shown}${mail === '' || shown === mail ? '' : ` (${mail})`}`;
}
