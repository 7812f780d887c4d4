import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The licences of packages that somebody else holds the rights to: what must accompany a bundle that has code of them.
 *
 * @throws when one of them comes without the text of its licence.
 */
export async function thirdPartyNotice(packages) {
  const foreign = packages.filter(({ root }) => root.includes('/node_modules/')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const parts = await Promise.all(
    foreign.map(async ({ name, version, root }) => {
      const file = (await readdir(root)).find((entry) => /^licen[cs]e(?:\.\w+)?$/i.test(entry));
      if (file === undefined) throw new Error(`${name} comes without the text of its licence and cannot be bundled`);
      return `${name} ${version}\n\n${(await readFile(join(root, file), 'utf8')).trim()}\n`;
    }),
  );
  return ['The files in this directory contain code of these packages.\n', ...parts].join(`\n${'-'.repeat(80)}\n\n`);
}
