/**
 * An index as long as that of the archive that packages come from: theirs, and of all other packages what that archive says, so that reading it takes
 * what it takes there. Nobody may ask for the files of those others.
 *
 * @param own stanzas of the packages that are there.
 * @param archive text of the archive's index.
 */
export function wholeIndex(own: string, archive: string): string {
  const names = new Set(own.split(STANZAS).map(nameOf));
  const others = archive.split(STANZAS).filter((stanza) => stanza !== '' && !names.has(nameOf(stanza)));
  return `${[own, ...others].map((text) => text.trimEnd()).join('\n\n')}\n`;
}

const STANZAS = /\n{2,}/;

/** @throws when the stanza names no package. */
function nameOf(stanza: string): string {
  const name = /^Package: (\S+)$/m.exec(stanza)?.[1];
  if (name === undefined) throw new Error(`a stanza of the index names no package: ${stanza.slice(0, 60)}`);
  return name;
}
