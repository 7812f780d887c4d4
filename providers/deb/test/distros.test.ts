import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDistribution } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { listKeys, readKeyrings } from '../src/keyring.js';
import { readQuirks } from '../src/quirks.js';

const directory = new URL('../distros/', import.meta.url);
const definitions = readdirSync(directory).map((name) => {
  const file = fileURLToPath(new URL(name, directory));
  return { name, ...parseDistribution(readFileSync(file, 'utf8'), file) };
});

it('there are definitions of Debian 12 and 13', () => {
  expect(definitions.map(({ name }) => name).sort()).toEqual(['debian12.yml', 'debian13.yml']);
});

describe.each(definitions)('$name', ({ name, definition, problems }) => {
  it('is valid', () => {
    expect(problems).toEqual([]);
    expect(definition).toMatchObject({
      ecosystem: 'deb',
      os: 'debian',
      dist: name.replace('.yml', ''),
      essential: { priorities: ['required'] },
    });
  });

  it('names keyrings that are there, and what each repository must say of itself', async () => {
    for (const repository of definition?.repositories ?? []) {
      expect((await readKeyrings(repository)).flatMap(listKeys).length).toBeGreaterThan(0);
      expect(repository.expect).toMatchObject({ origin: 'Debian', codename: repository.suite });
      expect(repository.archive).toMatch(/^http:\/\/ftp\.debian\.org\/debian(-security)?$/);
    }
    const codename = definition?.repositories[0].suite;
    expect(definition?.repositories.map(({ id }) => id)).toEqual([
      `debian-${codename}`,
      `debian-${codename}-updates`,
      `debian-${codename}-security`,
    ]);
  });

  it('says how dpkg starts in an empty root', () => {
    const quirks = readQuirks(definition ?? { dist: name });
    expect(quirks.preExtract).toEqual(expect.arrayContaining(['dpkg', 'libc6', 'tar', 'dash', 'coreutils']));
    expect(quirks.usrMerge).toEqual(['bin', 'sbin', 'lib', 'lib64']);
  });
});
