import { readdir, readFile } from 'node:fs/promises';
import { readKeys } from 'openpgp';
import { expect, it } from 'vitest';

const directory = new URL('../../../providers/rpm/keyrings/', import.meta.url);

it('the keyrings of providers/rpm hold exactly the keys that their README names', async () => {
  const readme = await readFile(new URL('README.md', directory), 'utf8');
  const named = Array.from(readme.matchAll(/^\| `([0-9A-F]{40})` \| `([^`]+)`/gm), ([, fingerprint, file]) => `${file} ${fingerprint}`);
  const held: string[] = [];
  for (const file of (await readdir(directory)).filter((name) => name !== 'README.md')) {
    const keys = await readKeys({ armoredKeys: await readFile(new URL(file, directory), 'utf8') });
    held.push(...keys.map((key) => `${file} ${key.getFingerprint().toUpperCase()}`));
  }
  expect(held.sort()).toEqual(named.sort());
});
